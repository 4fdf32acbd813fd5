"""How much do scores vary over folds of beats, or of patients?"""
