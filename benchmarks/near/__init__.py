"""What `near_duplicates.py` is made of: planted copies, the methods that look for them, how they are measured."""
