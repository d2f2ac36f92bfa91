"""Custom fields, the recycle bin and entities, in databases of each kind."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from pywasmgk.errors import ConfigError
from pywasmgk.plugin import HostFunctionError
from pywasmgk.services import CustomFields, EntityTable, RecycleBin, SQLiteDatabase, TableEntities
from pywasmgk.services.databases import PooledDatabase
from pywasmgk.services.migrations import Migrations, digest

from .conftest import context

Make = Callable[..., PooledDatabase]

# -- custom fields


def test_fields_are_kept_apart(database: PooledDatabase) -> None:
    fields = CustomFields(database)
    ctx = context("a")
    assert fields.get(ctx, "ticket", 1, None) is None
    value = {"text": "ü'\\ %?", "list": [1, {"a": None}], "big": 2**60, "yes": True}
    fields.set(ctx, "ticket", 1, value)
    fields.set(ctx, "ticket", 1, {"more": 0.5})
    assert fields.get(ctx, "ticket", 1, None) == {**value, "more": 0.5}
    assert fields.get(ctx, "ticket", 1, ["yes", "nix"]) == {"yes": True}
    # databases may find these names equal
    for plugin, kind in (("A", "ticket"), ("a", "Ticket"), ("a ", "ticket"), ("á", "ticket")):
        assert fields.get(context(plugin), kind, 1, None) is None
    fields.set(context("A"), "ticket", 1, {"text": "other"})
    assert fields.get(ctx, "ticket", 1, ["text"]) == {"text": "ü'\\ %?"}
    # and another object has the same tables
    assert CustomFields(database).get(ctx, "ticket", 1, ["more"]) == {"more": 0.5}


def test_all_or_none_are_set(database: PooledDatabase) -> None:
    fields = CustomFields(database)
    fields.set(context(), "t", 1, {"n": 5, "s": "x"})
    refused = {"s": "y", "n": {"op": "increment", "value": 9, "ceiling": 10}}
    with pytest.raises(HostFunctionError, match="ceiling is 10"):
        fields.set(context(), "t", 1, refused)
    assert fields.get(context(), "t", 1, None) == {"n": 5, "s": "x"}
    with pytest.raises(HostFunctionError, match="cas"):
        fields.set(context(), "t", 2, {"x": {"op": "cas", "expect": 1, "value": 2}})
    assert fields.get(context(), "t", 2, None) is None


def test_nobody_gets_in_between(make_database: Make) -> None:
    fields = [CustomFields(make_database()), CustomFields(make_database())]
    failed: list[BaseException] = []

    def work(mine: CustomFields) -> None:
        try:
            for _ in range(15):
                mine.set(context(), "t", 1, {"n": {"op": "increment", "value": 1}})
        except BaseException as error:
            failed.append(error)

    fields[0].get(context(), "t", 1, None)
    threads = [threading.Thread(target=work, args=(fields[n % 2],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert fields[0].get(context(), "t", 1, None) == {"n": 60}


def test_fields_are_searched(database: PooledDatabase) -> None:
    fields = CustomFields(database)
    ids = [-(2**63), -5, 0, 7, 2**63 - 1]
    for number, object_id in enumerate(ids):
        fields.set(context(), "t", object_id, {"n": number})
    fields.set(context("other"), "t", 1, {"n": 3})
    fields.set(context(), "other", 1, {"n": 3})
    for wanted, found in (
        ([], ids),
        ([{"field": "n", "operator": "gte", "value": 3}], ids[3:]),
        ([{"field": "n", "operator": "between", "value": 1, "value2": 2}], ids[1:3]),
        ([{"field": "x", "operator": "neq", "value": 1}], ids),
    ):
        assert fields.query(context(), "t", wanted) == found
    with pytest.raises(HostFunctionError, match="unknown filter operator"):
        fields.query(context(), "t", [{"field": "n", "operator": "~"}])


def test_many_objects_are_searched() -> None:
    database = SQLiteDatabase()
    fields = CustomFields(database)
    with database.transaction(context()):
        for object_id in range(1_100):
            fields.set(context(), "t", object_id, {"odd": object_id % 2})
    found = fields.query(context(), "t", [{"field": "odd", "operator": "eq", "value": 1}])
    assert found == list(range(1, 1_100, 2))


def test_fields_have_bounds(database: PooledDatabase) -> None:
    fields = CustomFields(database, max_bytes=100, max_objects=2)
    fields.set(context(), "t", 1, {"a": "x" * 80})
    with pytest.raises(HostFunctionError, match="at most 100 bytes"):
        fields.set(context(), "t", 1, {"b": "x" * 80})
    fields.set(context(), "t", 2, {})
    with pytest.raises(HostFunctionError, match="at most 2 objects"):
        fields.set(context(), "t", 3, {})
    assert fields.query(context(), "t", []) == [1, 2]


def test_fields_are_part_of_a_call(make_database: Make) -> None:
    database = make_database(transactions=True)
    fields = CustomFields(database)
    with pytest.raises(ZeroDivisionError), database.calling(context()):
        fields.set(context(), "t", 1, {"a": 1})
        assert fields.get(context(), "t", 1, None) == {"a": 1}
        _ = 1 / 0
    # the tables may have been undone with it
    assert fields.get(context(), "t", 1, None) is None
    with database.calling(context()):
        fields.set(context(), "t", 1, {"a": 2})
    assert fields.get(context(), "t", 1, None) == {"a": 2}


def test_bounds_that_are_none() -> None:
    with pytest.raises(ConfigError, match="fields: max_bytes must be above 0"):
        CustomFields(SQLiteDatabase(), max_bytes=0)


# -- migrations


def test_steps_are_carried_out_once(database: PooledDatabase) -> None:
    first = ("CREATE TABLE a (x INTEGER)", "INSERT INTO a VALUES (1)")
    Migrations(database, "s", [first]).ready(context())
    both = Migrations(database, "s", [first, ("UPDATE a SET x = x + 1",)])
    for _ in range(2):
        both.ready(context())
        Migrations(database, "s", [first, ("UPDATE a SET x = x + 1",)]).ready(context())
    assert database.query(context(), "SELECT x FROM a", []) == [{"x": 2}]
    with pytest.raises(HostFunctionError, match="the tables of s are of a newer version"):
        Migrations(database, "s", [first]).ready(context())


def test_a_step_that_fails_is_tried_again(database: PooledDatabase) -> None:
    steps = Migrations(database, "s", [("CREATE TABLE b (x INTEGER)",), ("UPDATE a SET x = 1",)])
    with pytest.raises(HostFunctionError):
        steps.ready(context())
    database.execute(context(), "CREATE TABLE a (x INTEGER)", [])
    steps.ready(context())


def test_digests_tell_names_apart() -> None:
    found = {digest(*names) for names in (("a", "b"), ("ab",), ("ab", ""), ("", "ab"), ("A", "b"))}
    assert len(found) == 5
    assert {len(one) for one in found} == {64}


# -- entities


@pytest.fixture
def bin_(database: PooledDatabase) -> RecycleBin:
    for sql in (
        "CREATE TABLE ticket (id INTEGER PRIMARY KEY, deleted_at TIMESTAMP NULL)",
        "INSERT INTO ticket (id) VALUES (1), (2)",
    ):
        database.execute(context(), sql, [])
    entities = TableEntities(database, {"ticket": EntityTable("ticket")})
    return RecycleBin(database, entities, fields=CustomFields(database))


def there(database: PooledDatabase) -> list[Any]:
    sql = "SELECT id FROM ticket WHERE deleted_at IS NULL ORDER BY id"
    return [row["id"] for row in database.query(context(), sql, [])]


def test_entities_are_deleted_and_restored(database: PooledDatabase, bin_: RecycleBin) -> None:
    assert bin_.list_json(context(), "ticket") == b"[]"
    bin_.soft_delete(context("a"), "ticket", 1, "spam")
    assert there(database) == [2]
    [entry] = json.loads(bin_.list_json(context(), "ticket"))
    assert entry.pop("deleted_at").endswith("+00:00")
    assert entry == {
        "entity_type": "ticket",
        "entity_id": 1,
        "reason": "spam",
        "deleted_by": "a",
        "user_id": 0,
    }
    assert bin_.list_json(context(), "Ticket") == b"[]"
    bin_.restore(context("b"), "ticket", 1)
    assert there(database) == [1, 2]
    assert bin_.list_json(context(), "ticket") == b"[]"


def test_what_is_erased_is_gone_with_its_fields(database: PooledDatabase, bin_: RecycleBin) -> None:
    fields = CustomFields(database)
    for plugin in ("a", "b"):
        fields.set(context(plugin), "ticket", 1, {"x": 1})
        fields.set(context(plugin), "ticket", 2, {"x": 1})
    bin_.soft_delete(context(), "ticket", 1, "")
    bin_.hard_delete(context(), "ticket", 1, "")
    assert there(database) == [2]
    assert database.query(context(), "SELECT count(*) AS n FROM ticket", []) == [{"n": 1}]
    assert fields.query(context("a"), "ticket", []) == [2]
    assert fields.query(context("b"), "ticket", []) == [2]
    assert bin_.list_json(context(), "ticket") == b"[]"


def test_what_cannot_be_done(database: PooledDatabase, bin_: RecycleBin) -> None:
    bin_.soft_delete(context(), "ticket", 1, "")
    for act, why in (
        (lambda: bin_.soft_delete(context(), "ticket", 1, ""), "in the recycle bin already"),
        (lambda: bin_.soft_delete(context(), "ticket", 9, ""), "there is no ticket 9"),
        (lambda: bin_.restore(context(), "ticket", 2), "ticket 2 is not in the recycle bin"),
        (lambda: bin_.hard_delete(context(), "ticket", 9, ""), "there is no ticket 9"),
        (lambda: bin_.soft_delete(context(), "user", 1, ""), "no entities of type 'user'"),
        (lambda: bin_.soft_delete(context(), "ticket", 2, "x" * 2_001), "at most 2,000"),
    ):
        with pytest.raises(HostFunctionError, match=why):
            act()
    assert there(database) == [2]
    assert len(json.loads(bin_.list_json(context(), "ticket"))) == 1


def test_entities_are_as_they_should_be() -> None:
    database = SQLiteDatabase()
    with pytest.raises(ConfigError, match="entities: a dict has no method hide"):
        RecycleBin(database, {})  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="'a; DROP' of 't' is no name"):
        TableEntities(database, {"t": EntityTable("a; DROP")})
