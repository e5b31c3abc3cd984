"""One file per regime: the question, the ranges, and what is fixed. Copy one to make your own.

A file whose name begins with an underscore is no question, but what several of them share.
"""
