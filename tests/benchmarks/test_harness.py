import os

from benchmarks.harness import Timing, compare, isolated


def test_variants_are_interleaved_after_warm_up():
    calls = []
    timings = compare({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=2, warmup=1)
    assert calls == ["a", "b"] * 3
    assert [len(timing.seconds) for timing in timings.values()] == [2, 2]


def test_a_function_is_measured_in_a_process_of_its_own():
    process, megabytes = isolated(os.getpid)
    assert process != os.getpid()
    assert megabytes < 100


def test_a_ratio_is_taken_within_rounds():
    slow, fast = Timing([2.0, 20.0, 4.0]), Timing([1.0, 10.0, 1.0])
    assert slow.ratio(fast) == 2.0
    assert slow.median == 4.0
    assert slow.spread == "-50% .. +400%"
