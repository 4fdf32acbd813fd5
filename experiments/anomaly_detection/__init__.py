"""Does an autoencoder of normal beats find the others?"""
