"""The debugger on the full screen of a terminal, for which it needs Textual (the extra ``debug``).

``picture`` is what there is to be seen where an execution has stopped, taken at once; ``code`` is a
function's or a text's lines in it, ``panes`` are the widgets, ``app`` is the program.
"""
