"""The names of data sets and protocols, as command lines offer them.

Nothing is imported here, so that a program's help needs no library. `heartbeats.catalog` loads the
data sets, `heartbeats.splits` divides them.
"""

# MIT-BIH where it is found, else synthetic beats.
AUTO = "auto"
DATA_SETS = ("synthetic", "mitbih", "ptb", "ptbxl", "ecg5000")
# What each protocol asks, in the words that reports print.
PROTOCOLS = {
    "kaggle": "split by beat, Kaggle's test set: every patient is in training and in test",
    "ucr": "the archive's own 500 training and 4,500 test beats, all of one patient",
    "beats": "split by beat, a random fifth: patients are unknown and likely in both parts",
    "patients": "split by patient: nobody is in training and in test",
}
