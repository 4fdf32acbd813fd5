"""How do scores fall when recordings get worse?"""
