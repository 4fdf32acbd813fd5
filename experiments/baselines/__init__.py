"""What do classical classifiers reach?"""
