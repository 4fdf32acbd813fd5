"""What does a data set look like before any network?"""
