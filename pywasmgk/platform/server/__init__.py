"""Plugins served over HTTP: their routes, and pages for who operates them (extra ``server``).

``app`` is the application; who may ask what is in ``access``, which route a request is for in
``route_table``, calls from the event loop in ``workers``, the operator's pages in
``operator_pages``, ``templates`` and ``assets``.
"""
