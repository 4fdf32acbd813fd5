"""What eval.py runs beyond the scores of checkpoints: each study is one module."""
