"""Runs the JavaScript that toolchains put beside a module: short functions around its exports.

It is no engine for JavaScript at large: no generators, no event loop (async functions run at once),
no regular expressions, no modules but the one file. What it runs is bounded as a guest is. Every
step is charged to the account that is open, nesting has a limit, and what scripts and guests have
the host keep counts against a quota (``objects.Realm``).

``tokens`` splits a text, ``syntax`` reads statements and expressions, ``objects`` and ``binary``
have the values, ``operators`` the language's conversions, ``evaluation`` carries it out,
``builtins`` are the objects that scripts find there, and ``border`` makes Python's values of
theirs.
"""
