"""Queues that bound memory, and that end."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from albumen.library.channel import Budget, Channel


def test_everything_put_by_several_threads_arrives_once() -> None:
    channel: Channel[int] = Channel(3, producers=4)

    def produce(start: int) -> None:
        for n in range(start, start + 100):
            assert channel.put(n)
        channel.close()

    with ThreadPoolExecutor(8) as threads:
        for start in range(0, 400, 100):
            threads.submit(produce, start)
        consumers = [threads.submit(lambda: list(channel)) for _ in range(3)]
        received = [n for consumer in consumers for n in consumer.result(timeout=10)]
    assert sorted(received) == list(range(400))


def test_a_quick_producer_waits_for_room() -> None:
    channel: Channel[int] = Channel(2)
    put: list[int] = []

    def produce() -> None:
        for n in range(5):
            channel.put(n)
            put.append(n)

    producer = threading.Thread(target=produce)
    producer.start()
    time.sleep(0.1)
    assert put == [0, 1]
    assert channel.take(2, 0) == [0, 1]
    time.sleep(0.1)
    assert put == [0, 1, 2, 3]
    channel.stop()
    producer.join(timeout=5)
    assert not producer.is_alive()


def test_a_batch_is_filled_until_time_is_up_or_nothing_can_come() -> None:
    channel: Channel[int] = Channel(10)
    for n in range(5):
        channel.put(n)
    assert channel.take(3, 10) == [0, 1, 2]
    began = time.monotonic()
    assert channel.take(3, 0.1) == [3, 4]
    assert time.monotonic() - began >= 0.1
    channel.put(5)
    channel.close()
    assert channel.take(3, 10) == [5]
    assert channel.take(3, 10) == []


def test_polling_gives_what_is_there() -> None:
    channel: Channel[int] = Channel(10)
    assert channel.poll(0.01) == []
    channel.put(1)
    channel.put(2)
    assert channel.poll(10) == [1, 2]


def test_after_a_stop_nothing_goes_in_or_comes_out() -> None:
    channel: Channel[int] = Channel(10)
    channel.put(1)
    channel.stop()
    assert not channel.put(2)
    assert list(channel) == []


def test_a_budget_is_never_exceeded_but_by_one_alone() -> None:
    budget = Budget(100)
    held = most = 0
    lock = threading.Lock()

    def hold(size: int) -> None:
        nonlocal held, most
        with budget.hold(size):
            with lock:
                held += size
                assert held <= 100 or held == size
                most = max(most, held)
            time.sleep(0.002)
            with lock:
                held -= size

    with ThreadPoolExecutor(8) as threads:
        for result in [threads.submit(hold, size) for size in [30, 40, 60, 10, 150] * 8]:
            result.result(timeout=10)
    assert most == 150
