"""Commands of `experiments.recorded_beats` under the names that they had."""
