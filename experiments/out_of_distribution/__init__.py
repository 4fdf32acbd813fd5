"""Which score tells beats that a network should not be asked about?"""
