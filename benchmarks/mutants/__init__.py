"""Small mistakes put into the code one at a time: how many of them do the tests notice?"""
