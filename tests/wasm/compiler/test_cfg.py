"""Dominators, loops and reducibility against their definitions, on random graphs."""

from __future__ import annotations

import random

import pytest

from pywasmgk.wasm.compiler.ir.cfg import RETURN, Block, Edge, Graph, Irreducible


def random_blocks(rng: random.Random, size: int) -> list[Block]:
    blocks = [Block(number, number) for number in range(size)]
    for block in blocks:
        count = rng.choice([0, 1, 1, 2, 2, 2, 5])
        block.edges = tuple(Edge(rng.choice([RETURN, *range(size)])) for _ in range(count))
    return blocks


def reached(blocks: list[Block], start: int, without: int = -2) -> set[int]:
    """What can be reached, one block left out."""
    found, waiting = set(), [start] if start != without else []
    while waiting:
        number = waiting.pop()
        if number not in found:
            found.add(number)
            waiting += [edge.target for edge in blocks[number].edges]
            waiting = [target for target in waiting if target not in (RETURN, without)]
    return found


def dominators(blocks: list[Block], entry: int) -> dict[int, set[int]]:
    """All that dominate each block: without them it is not reached."""
    everything = reached(blocks, entry)
    found: dict[int, set[int]] = {number: {number} for number in everything}
    for number in everything:
        for lost in everything - reached(blocks, entry, number):
            found[lost].add(number)
    return found


def is_reducible(blocks: list[Block], entry: int, above: dict[int, set[int]]) -> bool:
    """Whether what is left without edges to dominators has no circle."""
    forward = {
        number: {
            edge.target
            for edge in blocks[number].edges
            if edge.target != RETURN and edge.target not in above[number]
        }
        for number in above
    }
    while True:
        ends = [number for number, targets in forward.items() if not targets & forward.keys()]
        if not ends:
            return not forward
        for number in ends:
            del forward[number]


def test_random_graphs() -> None:
    kinds = {True: 0, False: 0}
    for seed in range(600):
        rng = random.Random(seed)
        blocks = random_blocks(rng, rng.randrange(1, 14))
        above = dominators(blocks, 0)
        reducible = is_reducible(blocks, 0, above)
        kinds[reducible] += 1
        if not reducible:
            with pytest.raises(Irreducible):
                Graph(blocks, 0)
            continue
        graph = Graph(blocks, 0)
        assert set(graph.order) == set(above) and graph.order[0] == 0
        for a in above:
            for b in above:
                assert graph.dominates(a, b) == (a in above[b]), (seed, a, b)
        check_loops(graph, blocks, above)
    assert min(kinds.values()) > 50


def check_loops(graph: Graph, blocks: list[Block], above: dict[int, set[int]]) -> None:
    """A loop is what reaches the source of a back edge without passing its head."""
    wanted: dict[int, set[int]] = {}
    for source in above:
        for edge in blocks[source].edges:
            if edge.target in above[source]:
                body = {n for n in above if source in reached(blocks, n, edge.target)}
                wanted.setdefault(edge.target, {edge.target}).update(body)
    assert {head: set(inside) for head, inside in graph.loops.items()} == wanted
    for number in above:
        for edge in blocks[number].edges:
            if edge.target != RETURN:
                assert graph.back_edge(number, edge.target) == (edge.target in above[number])


def test_every_way_from_one_line_of_blocks_to_one_label() -> None:
    """What ten thousand branches to one label share is walked once; this is too slow otherwise."""
    blocks = [Block(number, number) for number in range(10_001)]
    for block in blocks[:-1]:
        block.edges = (Edge(10_000), Edge(block.number + 1))
    graph = Graph(blocks, 0)
    assert graph.dominator[10_000] == 0
    assert graph.dominator[9_999] == 9_998


def test_deep_nests_and_long_rows_of_loops() -> None:
    """Each block is looked at a few times, whatever the depth: this is too slow otherwise."""
    depth = 10_000
    nest = [Block(number, number) for number in range(depth + 1)]
    for block in nest[:-1]:
        block.edges = (Edge(block.number + 1),)
    nest[-1].edges = (*(Edge(number) for number in range(depth)), Edge(RETURN))
    graph = Graph(nest, 0)
    assert [len(graph.loops[head]) for head in (0, depth - 1)] == [depth + 1, 2]
    assert list(graph.nest.around(2)) == [2, 1, 0] and graph.nest.depth[depth] == depth
    row = [Block(number, number) for number in range(depth)]
    for block in row:
        block.edges = (
            Edge(block.number),
            Edge((block.number + 1) if block.number + 1 < depth else RETURN),
        )
    graph = Graph(row, 0)
    assert len(graph.single) == depth and set(graph.nest.depth.values()) == {1}


def test_loops_are_stretches_of_an_order_in_which_edges_go_forward() -> None:
    for seed in range(300):
        rng = random.Random(seed)
        try:
            graph = Graph(random_blocks(rng, rng.randrange(1, 14)), 0)
        except Irreducible:
            continue
        place = graph.nest.place
        assert sorted(graph.nest.schedule) == sorted(graph.order)
        for number in graph.order:
            around = [head for head, inside in graph.loops.items() if number in set(inside)]
            assert around[::-1] == list(graph.nest.around(number))
            for edge in graph.blocks[number].edges:
                if edge.target != RETURN and not graph.back_edge(number, edge.target):
                    assert place[number] < place[edge.target]
