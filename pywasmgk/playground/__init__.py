"""The playground: a page on which modules are written, run, and stepped through, in a browser.

``site`` is the page, without a build step: HTML, style, small ES modules, a worker that has
Pyodide, and the programs that it teaches with. In the worker :mod:`.session` answers the page's
requests, in plain data both ways; :mod:`.building` makes a folder of it all that any static host
can serve.
"""
