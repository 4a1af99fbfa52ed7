#!/usr/bin/env python3
"""Writes logs as the documented programs do, and what is in them as JSON:

    python3 benches/logs/generate.py FOLDER [--bytes 400000000] [--seed 1] [--kind mixed]

| kind | files |
|---|---|
| mixed | one file, line by line of any of the four programs: 35 % Python's logging, 25 % JSON, 25 % nginx, 15 % uvicorn |
| blocks | the same, in blocks of one program's lines, as a container's log or a batch has them |
| apart | one file for each program |
| storm | every line is an error, of some hundred templates |
"""

import argparse
import json
import random
from collections import Counter
from pathlib import Path

SHARES = {"python": 35, "json": 25, "nginx": 25, "uvicorn": 15}
# Of a thousand events.
LEVELS = [("INFO", 846), ("DEBUG", 100), ("WARNING", 45), ("ERROR", 8), ("CRITICAL", 1)]
TASKS = ["embed", "classify", "ingest", "score", "notify", "cleanup", "sync", "export", "import_", "digest"]
LOGGERS = ["app.core", "app.api.routes", "bot.handlers", "taskiq.worker", "src.services.embedding", "sqlalchemy.engine"]
METHODS = ["GET"] * 12 + ["POST"] * 5 + ["PUT", "DELETE", "PATCH"]
STATUSES = [200] * 880 + [304] * 50 + [201] * 20 + [404] * 20 + [401] * 6 + [403] * 4 + [429] * 7 + [500] * 6 + [502] * 4 + [503] * 3
PATHS = ["/api/queue/health", "/api/v1/search", "/ws", "/api/messages", "/static/app.js", "/login", "/api/topics"]
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"
# About as long as the lines of the other kinds.
TEMPLATES = [
    "connection to postgres:5432 refused after {} ms, attempt {} of the pool",
    "Rate limit exceeded for key {} ({} requests left), waiting before the next attempt",
    "cannot parse row {} of sheet {}: the column `image_url` holds no address",
    "user {} has no access to topic {}, the request was refused by the policy",
    "timeout of {} s while waiting for lock {} of the embedding worker",
    "Ошибка запроса {}: сервер ответил кодом {}, повтор через минуту",
    "provider {} answered {} instead of a list of vectors, the batch is given up",
    "message {} of chat {} was not found while its importance was to be scored",
]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.truth = Counter()
        self.second = 0
        self.levels = [level for level, share in LEVELS for _ in range(share)]

    def below(self, end):
        return int(self.random.random() * end)

    def pick(self, values):
        return values[int(self.random.random() * len(values))]

    def stamp(self, divider):
        """A time that goes on by a second every thousand lines."""
        self.second += 1
        s = self.second // 1000
        return f"2024-01-{1 + s // 86400 % 28:02} {s // 3600 % 24:02}:{s // 60 % 60:02}:{s % 60:02}{divider}{self.second % 1000:03}"

    def text(self):
        """A message, and what a rule would find in it."""
        kind = self.below(100)
        if kind < 9:
            task, took = self.pick(TASKS), self.below(20000)
            self.truth[f"task_{task}"] += 1
            self.truth[f"task_{task}_ms"] += took
            return f"Task {task} completed in {took} ms"
        if kind < 12:
            self.truth["request"] += 1
            return f"Запрос от пользователя {self.below(100000)}: найди книгу о море"
        if kind < 14:
            self.truth["broadcast"] += 1
            return f"📡 Broadcasting message.updated to {self.below(9)} WebSocket clients"
        if kind < 15:
            self.truth["rate_limit"] += 1
            return f"Error: Rate limit exceeded, attempt {self.below(9)}"
        if kind < 55:
            return f"processed message {self.below(10**6)} of chat {self.below(1000)} in {self.below(900)} ms, no error"
        return f"cache lookup for key user:{self.below(10**5)}:profile took {self.below(90)} ms, size {self.below(10**4)} bytes"

    def level(self):
        level = self.levels[self.below(1000)]
        self.truth[level] += 1
        return level

    def python(self):
        return f"{self.stamp(',')} [{self.level()}] {self.pick(LOGGERS)}: {self.text()}\n"

    def json(self):
        text = self.text().replace('"', '\\"')
        return f'{{"timestamp": "{self.stamp(",")}", "level": "{self.level()}", "logger": "{self.pick(LOGGERS)}", "message": "{text}"}}\n'

    def request(self):
        status = self.pick(STATUSES)
        self.truth[f"{status // 100}xx"] += 1
        return f"{self.pick(METHODS)} {self.pick(PATHS)}?id={self.below(10**6)} HTTP/1.1", status

    def nginx(self):
        self.second += 1
        s = self.second // 1000
        request, status = self.request()
        took = self.below(3000)
        # `>` as buckets have it: what is equal is not slow.
        self.truth["slow"] += took > 500
        self.truth["timed"] += 1
        size = self.below(50000)
        self.truth["sent"] += size
        at = f"{1 + s // 86400 % 28:02}/Jan/2024:{s // 3600 % 24:02}:{s // 60 % 60:02}:{s % 60:02} +0000"
        return f'10.{self.below(4)}.{self.below(20)}.{self.below(20)} - - [{at}] "{request}" {status} {size} "-" "{AGENT}" {took // 1000}.{took % 1000:03}\n'

    def uvicorn(self):
        request, status = self.request()
        self.truth["INFO"] += 1
        return f'INFO:     10.0.{self.below(20)}.{self.below(20)}:{1024 + self.below(60000)} - "{request}" {status} OK\n'

    def storm(self):
        self.truth["ERROR"] += 1
        text = self.pick(TEMPLATES).format(self.below(10**5), self.below(10**4))
        return f"{self.stamp(',')} [ERROR] {self.pick(LOGGERS)}: {text}\n"


def write(path, lines, size):
    """Whole lines until the file has its size."""
    written, count = 0, 0
    with open(path, "wb") as file:
        while written < size:
            block = "".join(lines()).encode()
            written += len(block)
            count += block.count(b"\n")
            file.write(block)
    return written, count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--bytes", type=int, default=400_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", choices=["mixed", "blocks", "apart", "storm"], default="mixed")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    made = Generator(args.seed)
    programs = [program for program, share in SHARES.items() for _ in range(share)]
    one = lambda program: getattr(made, program)()
    plans = {
        "mixed": {"mixed.log": (lambda: [one(made.pick(programs)) for _ in range(1000)], args.bytes)},
        "blocks": {"blocks.log": (lambda: [one(p) for p in [made.pick(programs)] for _ in range(500)], args.bytes)},
        "storm": {"storm.log": (lambda: [one("storm") for _ in range(1000)], args.bytes)},
        "apart": {
            f"{program}.log": (lambda program=program: [one(program) for _ in range(1000)], args.bytes * share // 100)
            for program, share in SHARES.items()
        },
    }
    size, lines = 0, 0
    for name, (block, wanted) in plans[args.kind].items():
        written, count = write(args.folder / name, block, wanted)
        size, lines = size + written, lines + count
    truth = {"bytes": size, "lines": lines, **made.truth}
    (args.folder / f"{args.kind}.json").write_text(json.dumps(truth, indent=1, sort_keys=True))


main()
