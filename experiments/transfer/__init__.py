"""Is a pretrained network worth it on another data set?"""
