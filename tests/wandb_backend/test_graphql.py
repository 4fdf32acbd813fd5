"""The stand-in's GraphQL."""

from tests.wandb_backend.graphql import Answer

QUERY = """
query Run($name: String!, $few: Boolean = false, $notSaid: Int) {  # a comment
  project(name: $name, limit: 3, order: "-x", after: $notSaid) {
    ...Names
    first: run(name: "a") { id }
    second: run(name: "b") { id state @skip(if: $few) host @include(if: $few) }
    ... on Project { runs { edges { node { id } } } }
  }
}
fragment Names on Project { id owner { name } runs { totalCount } }
"""


def _root(asked: list[dict]) -> dict:
    def project(**arguments):
        asked.append(arguments)
        return {
            "__typename": "Project",
            "id": "p",
            "run": lambda name: {"id": name, "state": "finished", "host": "h"},
            "runs": {"totalCount": 1, "edges": [{"node": {"id": "a", "secret": 1}}]},
        }

    return {"project": project}


def test_aliases_fragments_variables_and_directives():
    asked: list[dict] = []
    unknown: set[str] = set()
    request = {"query": QUERY, "variables": {"name": "demo"}}
    answer = Answer(request, _root(asked), unknown).data["project"]
    assert asked == [{"name": "demo", "limit": 3, "order": "-x"}]
    assert answer["first"] == {"id": "a"}
    assert answer["second"] == {"id": "b", "state": "finished"}
    assert answer["runs"] == {"totalCount": 1, "edges": [{"node": {"id": "a"}}]}
    assert answer["owner"] is None and unknown == {"Project.owner"}


def test_an_input_object_is_filled_from_variables():
    query = "mutation M($a: ID, $b: [Int!]) { save(input: {id: $a, list: $b, sizes: [1, $a]}) }"
    request = {"query": query, "variables": {"a": "x", "b": None}}
    assert Answer(request, {"save": lambda input: input}, set()).data == {
        "save": {"id": "x", "sizes": [1, "x"]}
    }
