"""How well are kinds of beats told in recordings of new patients?"""
