"""A container's log through the portal: nothing lost, nothing twice, one stream for all, bounded memory."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import pytest

from apps.live import logs
from apps.live.log_lines import LONGEST, Places, html_of, place_at, second_of, text_html
from apps.live.logs import Follower, Followers
from tests.live.kubelet import BEGIN, Container
from tests.processes import until

Start = Callable[..., Follower]


@pytest.fixture
def start() -> Iterator[Start]:
    """Followers that end with the test."""
    begun: list[Follower] = []

    def begin(container: Container, **how: bool) -> Follower:
        follower = Follower("log.test", container.open, **how)
        follower.start()
        begun.append(follower)
        return follower

    yield begin
    for follower in begun:
        follower.stop()


def numbers(follower: Follower, place: int = 0) -> tuple[list[int], int]:
    """Everything that can be read after a place now, and the place of the last."""
    found: list[int] = []
    while lines := follower.read(place, 100):
        found += [int(line.text.split()[1]) for line in lines]
        place = lines[-1].place
    return found, place


class Page:
    """A page that reads on whenever it is asked."""

    def __init__(self, follower: Follower) -> None:
        self.follower, self.place = follower, 0
        self.seen: list[int] = []

    def has(self, last: int) -> bool:
        found, self.place = numbers(self.follower, self.place)
        self.seen += found
        return bool(self.seen) and self.seen[-1] == last


def test_lines_come_in_order_across_cuts_without_loss_or_doubles(start: Start) -> None:
    container = Container()
    container.write(1, 50)
    page = Page(start(container))
    for turn in range(1, 6):
        until(partial(page.has, turn * 50), what="lines before the cut")
        container.cut()
        container.write(turn * 50 + 1, turn * 50 + 50)
    until(lambda: page.has(300), what="the last line")
    assert page.seen == list(range(1, 301))
    assert len(container.opened) == 6


def test_without_passing_over_what_was_seen_lines_would_double() -> None:
    container = Container()
    container.write(1, 50)
    again = list(container.open(follow=False, since=second_of(place_at(container.lines[-1][0]))))
    assert len(again) > 1, "a kubelet begins at the full second: the guard has something to do"


def test_another_process_goes_on_where_the_first_one_was(start: Start) -> None:
    container = Container()
    container.write(1, 120)
    first = Page(start(container))
    until(lambda: first.has(120))
    container.write(121, 200)
    second = Page(start(container))
    second.place = first.place
    until(lambda: second.has(200))
    assert second.seen == list(range(121, 201))


@pytest.mark.parametrize("step", [timedelta(0), timedelta(microseconds=1), timedelta(seconds=2)])
def test_places_depend_on_the_log_alone(start: Start, step: timedelta) -> None:
    container = Container(step=step)
    container.write(1, 300)
    first, second = Page(start(container)), Page(start(container))
    until(lambda: first.has(300) and second.has(300))
    assert first.place == second.place and first.place < 2**53


def test_a_page_far_behind_gets_the_lines_that_memory_forgot(start: Start) -> None:
    container = Container()
    container.write(1, logs.TAIL + 1300)
    follower = start(container)
    page = Page(follower)
    page.place = place_at(BEGIN)
    until(lambda: page.has(logs.TAIL + 1300), what="all lines")
    assert page.seen == list(range(2, logs.TAIL + 1301))


def test_memory_stays_bounded_and_nothing_is_lost(start: Start) -> None:
    container = Container(step=timedelta(milliseconds=1))
    container.write(1, 10)
    follower = start(container)
    page = Page(follower)
    until(lambda: page.has(10))
    container.write(11, 15_000)
    until(lambda: len(container.opened[0].container.lines) == container.opened[0].at, what="all to be read")
    until(lambda: page.has(15_000), what="all lines")
    assert page.seen == list(range(1, 15_001))
    assert len(follower._lines) <= logs.KEPT_LINES


def test_a_newcomer_gets_the_last_lines_only(start: Start) -> None:
    container = Container()
    container.write(1, 5000)
    page = Page(start(container))
    until(lambda: page.has(5000))
    assert len(page.seen) == logs.TAIL


def test_all_viewers_share_one_stream_and_it_ends_when_nobody_reads() -> None:
    container = Container()
    container.write(1, 5)
    followers = Followers(idle=0.5)
    found = [followers.get("key", "log.test", lambda: container.open) for _viewer in range(20)]
    assert len(set(map(id, found))) == 1 and found[0]
    until(lambda: numbers(found[0])[0])
    assert len(container.opened) == 1
    until(lambda: container.opened[0].closed, what="the idle stream to end")


def test_no_more_logs_are_followed_than_memory_allows() -> None:
    container = Container()
    followers = Followers(idle=60)
    begun = [followers.get(number, "log.test", lambda: container.open) for number in range(logs.MOST + 1)]
    assert begun[-1] is None and begun[-2] is not None
    followers.stop_all()
    until(lambda: all(reading.closed for reading in container.opened))


def test_an_ended_run_is_read_to_its_end_and_says_so(start: Start) -> None:
    container = Container()
    container.write(1, 30)
    page = Page(start(container, follow=False))
    until(lambda: page.has(30) and "ended" in str(page.follower.state))
    assert page.seen == list(range(1, 31))


def test_an_overlong_line_is_cut_with_a_mark() -> None:
    line = Places().line(b"2026-11-22T04:00:00.1Z " + b"x" * 161_000)
    html = html_of(line)
    assert len(line.text) == LONGEST and f"+{161_000 - LONGEST:,} B" in html
    assert len(html) < LONGEST + 300


def test_colours_become_classes_and_everything_else_is_escaped() -> None:
    assert (
        text_html(b"\x1b[31mred <b>\x1b[0m & plain")
        == '<span class="ansi31">red &lt;b&gt;</span> &amp; plain'
    )
    assert text_html(b"<script>alert(1)</script>") == "&lt;script&gt;alert(1)&lt;/script&gt;"
    assert text_html(b"\x1b]8;;javascript:alert(1)\x07click\x1b]8;;\x07") == "click"
    assert text_html(b"10 %\r50 %\r100 %\r") == "100 %"
    assert text_html(b"a\x00\x07b") == "a\u2400\u2407b"


@pytest.mark.parametrize(
    "raw", [b"", b"no time here", b"2026-99-99T00:00:00Z x", b"\xff\xfe", b"\x1b[", b"\x1b[31m\x1b["]
)
def test_odd_lines_are_shown_as_they_are(raw: bytes) -> None:
    line = Places().line(raw)
    assert line.place > 0 and "<script" not in html_of(line)
