"""Typed endpoints and clients."""

import datetime
import enum
import uuid
from dataclasses import dataclass
from typing import Any, Protocol

import pytest

from mainspring.messaging import Client, Target, endpoint, errors

pytest.importorskip("msgspec")


class Colour(enum.Enum):
    """A value by name."""

    RED = "red"


@dataclass
class Order:
    """What is ordered."""

    id: uuid.UUID
    count: int
    colour: Colour = Colour.RED


class Shop(Protocol):
    """The interface."""

    async def order(self, order: Order, *, due: datetime.date | None = None) -> list[Order]: ...

    async def wrong(self) -> int: ...


class Orders:
    """Serves it."""

    async def order(self, order: Order, *, due: datetime.date | None = None) -> list[Order]:
        assert isinstance(order, Order)
        assert due is None or isinstance(due, datetime.date)
        return [order]

    async def wrong(self) -> int:
        return "no number"  # type: ignore[return-value]

    @endpoint(typed=False)
    async def plain(self, order: Order) -> Any:
        return type(order).__name__


ORDER = Order(uuid.UUID(int=7), 3)


def test_arguments_and_results_are_what_the_hints_say_on_both_sides(serving):
    async def main(client, _):
        shop = Client.of(Shop, client.transport, client.target)
        assert await shop.order(ORDER, due=datetime.date(2026, 1, 1)) == [ORDER]
        assert await shop.order(order=ORDER) == [ORDER]
        with pytest.raises(errors.InvalidArguments, match="int"):
            await shop.wrong()

    serving(main, Orders(), typed=True)


def test_a_typed_client_refuses_wrong_arguments_before_anything_is_sent(url):
    shop = Client.of(Shop, url, Target(topic="topic"))
    with pytest.raises(errors.InvalidArguments, match="count"):
        shop.order(Order(uuid.UUID(int=7), "three"))
    with pytest.raises(errors.InvalidArguments, match="order"):
        shop.order()


def test_a_typed_server_refuses_wrong_arguments_before_it_runs_anything(serving):
    async def main(client, _):
        with pytest.raises(errors.InvalidArguments, match="count"):
            await client.call("order", order={"id": str(ORDER.id), "count": "three"})
        with pytest.raises(errors.InvalidArguments, match="unknown field"):
            await client.call("order", order={"id": str(ORDER.id), "count": 3}, more=1)
        assert await client.call("plain", order={"id": 1}) == "dict"

    serving(main, Orders(), typed=True)


def test_a_typed_client_casts(serving):
    async def main(client, server):
        cast = Client.of(Shop, client.transport, client.target, verb="cast")
        assert await cast.order(ORDER) is None

    serving(main, Orders(), typed=True)


def test_a_method_that_takes_anything_cannot_be_typed(url):
    class Anything:
        async def method(self, **anything: Any) -> None: ...

    with pytest.raises(errors.InvalidEndpoint, match="anything"):
        Client.of(Anything, url, Target(topic="topic"))


def test_a_typed_client_needs_a_target(url):
    with pytest.raises(errors.InvalidTarget):
        Client.of(Shop, url)
