"""The debugger on the full screen of a terminal, for which it needs Textual (the extra ``debug``).

``panes`` are the widgets, ``app`` is the program; what they show is ``debug.picture``.
"""
