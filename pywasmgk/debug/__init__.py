"""Debuggers and probes on executions that are held.

``console`` has the commands; ``picture`` is what there is to be seen where an execution has
stopped, with its code as ``listing`` makes it: ``tui`` shows that on the full screen of a
terminal, notebooks and the playground in their places. ``trail`` and ``dataflow`` say what stands
beside the code. ``adapter`` speaks the Debug Adapter Protocol, ``adapter_stops`` and
``adapter_views`` answer most of it, of the ``debuggee``. ``expressions`` are what people may ask,
``views`` how frames and memory are shown. ``profile`` counts, ``coverage``, ``flame`` and
``pprof`` show that; ``tracing`` and ``paging`` look at single instructions; ``lines`` says where
these stand in a text.
"""
