"""`python -m study.cluster.check FILE ...`: is a file for `ray up` right?"""
