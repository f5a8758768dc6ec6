"""Five-field cron expressions, as scheduled actions use them."""

import datetime
import zoneinfo

_MONTHS = {n: i + 1 for i, n in enumerate("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split())}
_DAYS = {n: i for i, n in enumerate("SUN MON TUE WED THU FRI SAT".split())}
_FIELDS = ((0, 59, {}), (0, 23, {}), (1, 31, {}), (1, 12, _MONTHS), (0, 7, _DAYS))


def parse(text):
    """Five sets of numbers and whether the days are restricted. ValueError if it is no expression."""
    parts = text.split()
    if len(parts) != 5:
        raise ValueError("five fields are expected")
    sets = [_field(part, *bounds) for part, bounds in zip(parts, _FIELDS)]
    sets[4] = {day % 7 for day in sets[4]}
    return sets, parts[2] != "*", parts[4] != "*"


def _field(text, least, most, names):
    found = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        step = int(step) if step else 1
        if span == "*":
            begin, end = least, most
        else:
            first, _, last = span.partition("-")
            begin = names.get(first.upper()) if first.upper() in names else int(first)
            end = (names.get(last.upper()) if last.upper() in names else int(last)) if last else (
                most if "/" in part else begin)
        if not (least <= begin <= end <= most) or step < 1:
            raise ValueError(f"{part} is out of range")
        found.update(range(begin, end + 1, step))
    return found


def following(text, zone, after):
    """Seconds since the epoch of the next time after `after`, or None within five years."""
    (minutes, hours, days, months, weekdays), by_day, by_weekday = parse(text)
    place = zoneinfo.ZoneInfo(zone or "UTC")
    begin = datetime.datetime.fromtimestamp(after, place)
    for offset in range(0, 366 * 5):
        day = (begin + datetime.timedelta(days=offset)).date()
        in_days, in_week = day.day in days, (day.weekday() + 1) % 7 in weekdays
        # As in every cron: two restricted day fields are alternatives.
        fits = in_days or in_week if by_day and by_weekday else in_days and in_week
        if day.month not in months or not fits:
            continue
        for hour in sorted(hours):
            for minute in sorted(minutes):
                at = datetime.datetime(day.year, day.month, day.day, hour, minute, tzinfo=place).timestamp()
                if at > after:
                    return at
    return None
