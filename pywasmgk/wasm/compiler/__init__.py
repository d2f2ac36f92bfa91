"""The optimizing compiler: a function of a module as a Python function. Read this first.

Forms, in the order in which a function takes them:

1. *body* (``frontend.inlining``): the block map, with small callees in the place of calls.
2. *graph* (``ir.cfg``): basic blocks, dominators (Cooper, Harvey, Kennedy 2001), natural loops.
3. *Function* (``ir.function``): typed statements (``ir.statements``) over expressions
   (``ir.expr``, operators in ``ir.operators``), with the facts (``ir.domain``) that hold at each
   block's head. ``frontend.lowering`` makes the statements of a block, ``analysis.ranges`` the
   facts, by abstract interpretation over intervals with widening at loops (Cousot and Cousot
   1977).
4. *passes* (``pipeline.PASSES``): each takes a Function and gives one.
5. *structure* (``backend.structure``): blocks nested again (Ramsey, "Beyond Relooper", ICFP 2022).
   What Python cannot nest is not optimized.
6. *rows* (``backend.rows``): lines of Python over Python's operators, each with what a trap there
   means and the fuel that is pending (``backend.fuel_placement``).
7. *text* and its line table (``backend.assemble``), and the code object.

The quick level, ``quick``, has none of these: it goes from the block map to text in one pass.

Whoever asks for code asks ``driver``, with a ``Request`` and a ``Budget``. What is optimized goes
through ``optimizing``, which is imported when it is first needed.

Arrows: ``ir`` knows nobody; ``analysis`` and ``frontend`` know ``ir``; ``passes`` and ``backend``
know all three; ``pipeline``, ``optimizing`` and ``driver`` know all. Nothing here knows the
runtime's objects.

Words: a *variable* is a local, a slot of the operand stack, or a global, numbered in this order;
sets of variables are integers, a bit for each. A *temporary* is defined once, in its block or one
that dominates it. *Pending* fuel is charged but not taken. A *test point* is where the account may
stop the guest. A *rare* block is not expected to run. The *fast version* of a loop of one block
runs turns whose number or fuel is known before. An *invoke* is a call that clauses are around; it
ends its block, with an edge to a *pad* for each of them (``ir.handlers``). A *web* is a set of
assignments that the same readers see. A *view* is the memory as words, or from an offset on.

Names in generated code: ``l3`` locals, ``s0`` slots, ``g1`` globals, ``t12_1`` temporaries of
instruction 12 (``u12_1`` in a fast version), ``f7`` functions, ``c0_1`` callees of table 0 by type
1, ``mem`` the memory, ``MI MH_3`` views, ``fuel`` what is in hand, ``d top`` call depth and its
bound, ``x12`` what instruction 12 threw, ``b k w`` where a break leads, a selector, scratch; in
fast versions ``n c e p`` trip count, its fuel, end and start of the loop variable, ``q3_2 r3_1 x0``
a word's index, a sum, an element.

The page ``docs/compiler.md`` shows a function after each pass, and how to add one.
"""
