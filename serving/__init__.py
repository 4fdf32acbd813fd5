"""The prediction service: a page and an API that give the classes of uploaded beats."""
