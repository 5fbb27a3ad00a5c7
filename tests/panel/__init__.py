"""Small real runs, each with one planted mistake that is made in practice, and healthy ones: does Plateau tell?"""
