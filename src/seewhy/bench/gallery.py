"""Cases worth a look: the best, the worst, and those that methods disagree about most."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

import torch

from seewhy.bench.plan import MODEL_ITSELF, Plan
from seewhy.bench.store import write_whole
from seewhy.bench.tables import Column, Results
from seewhy.bench.worker import Job, SampleState, Worker, reason_of
from seewhy.core.attribution import Attribution
from seewhy.core.errors import SchemaError, SeewhyError
from seewhy.explainer import Explainer
from seewhy.report.bench_payload import BenchCase, BenchTile
from seewhy.report.overlay import overlay
from seewhy.report.safe_folder import safe_name

FOLDER, INDEX = "gallery", "gallery.json"

CASES = "cases.json"
"""Which cases were chosen, without pictures: enough to draw the gallery again."""

PER_KIND = 2
"""Cases of each kind for each model and data set."""

LARGEST = 200
"""Longest side of a thumbnail in pixels."""

QUALITY = 80
"""Of a thumbnail's JPEG."""


@dataclass(frozen=True)
class Chosen:
    """A case that was chosen.

    Attributes:
        kind: `"best"`, `"worst"` or `"disputed"`.
        model, data, sample: which.
        figure: by which figure it was chosen.
        word: place of the word that is shown; -1 where the figure is of whole samples.
        scores: the figure of each method on that word, or sample.
        leader: the method that has the best mean of the figure: its report is saved.
    """

    kind: str
    model: str
    data: str
    sample: str
    figure: str
    word: int
    scores: dict[str, float]
    leader: str


def choose(results: Results, *, per_kind: int = PER_KIND) -> list[Chosen]:
    """The cases of a model and data set by its leading figure, for the method that leads in it.

    The leading figure is the first mean of words that has a better end. Best and worst are those
    of the method that has the best mean; disputed are those whose methods' figures spread most.
    """
    found = []
    for (model, data), samples in results.samples.items():
        column = _leading(results, model, data)
        if column is None:
            continue
        scores = _scores(results, model, data, column)
        sign = 1 if column.higher_is_better else -1
        means: dict[str, list[float]] = {}
        for methods in scores.values():
            for method, value in methods.items():
                means.setdefault(method, []).append(value)
        leader = max(means, key=lambda method: sign * fmean(means[method]))
        known = [case for case in scores if leader in scores[case]]
        ranked = sorted(known, key=lambda case: (-sign * scores[case][leader], case))
        spread = sorted(known, key=lambda case: (-pstdev(scores[case].values()), case))
        taken: set[int] = set()
        for kind, order in (("best", ranked), ("worst", ranked[::-1]), ("disputed", spread)):
            for image, word in _apart(order, taken, per_kind):
                found.append(
                    Chosen(
                        kind,
                        model,
                        data,
                        samples[image],
                        column.name,
                        word,
                        scores[image, word],
                        leader,
                    )
                )
    return found


def cases_json(cases: Sequence[Chosen]) -> str:
    """Chosen cases as JSON, one a line."""
    lines = ",\n".join(json.dumps(asdict(case), allow_nan=False) for case in cases)
    return f"[\n{lines}\n]\n"


def read_cases(folder: Path) -> list[Chosen]:
    """Read the cases of a folder; none where it has no such file.

    Raises:
        SchemaError: if the file is damaged.
    """
    path = folder / CASES
    try:
        return [Chosen(**case) for case in json.loads(path.read_text("utf-8"))]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError) as error:
        raise SchemaError(
            f"Expected chosen cases in {path}, got {error}: remove the file, and report again."
        ) from error


def draw(
    plan: Plan,
    chosen: Sequence[Chosen],
    folder: Path,
    *,
    say: Callable[[str], None] = lambda stage: None,
) -> None:
    """Draw the chosen cases again, and write the report of each into `folder / "gallery"`.

    Args:
        plan: of the run: it has the models and data.
        chosen: cases of the same run.
        folder: of results, or of their tables.
        say: called as each case begins.
    """
    laboratory, models = Worker(plan), [model.label for model in plan.models]
    target, aside = folder / FOLDER, folder / f".{FOLDER}.part"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    cases = []
    try:
        for at, case in enumerate(sorted(chosen, key=lambda c: models.index(c.model))):
            say(f"drawing case {at + 1}: {case.sample} on {case.model}")
            cases.append(_drawn(laboratory, case, aside, f"{at:02}-{safe_name(case.sample)}"))
        text = json.dumps(cases, allow_nan=False)
        write_whole(aside / INDEX, lambda path: path.write_text(text, "utf-8"))
        shutil.rmtree(target, ignore_errors=True)
        aside.replace(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def shown(folders: Iterable[Path], target: Path) -> list[BenchCase]:
    """The cases that earlier runs drew in some folders, with links as seen from `target`."""
    cases = []
    for folder in folders:
        path = folder / FOLDER / INDEX
        if path.is_file():
            for case in json.loads(path.read_text("utf-8")):
                report = case["report"] and folder / FOLDER / case["report"]
                link = Path(os.path.relpath(report, target)).as_posix() if report else ""
                cases.append({**case, "report": link})
    return cases


def _drawn(laboratory: Worker, case: Chosen, folder: Path, name: str) -> BenchCase:
    """One case: a thumbnail for each method, and the report of the leading one."""
    plan = laboratory.plan
    subject = [s.label for s in plan.models].index(case.model)
    source = [s.label for s in plan.datasets].index(case.data)
    loaded = laboratory.loaded(subject)
    read = laboratory.read(loaded, Job(subject, source, case.sample, ()))
    word = _word(read, case)
    shown = read.for_word(word)
    tiles: list[BenchTile] = []
    for at, contender in enumerate(plan.methods):
        try:
            found = laboratory.attribute(shown, at)
        except Exception as error:  # noqa: BLE001 - methods may be anyone's
            tiles.append({"method": contender.label, "why": reason_of(error)})
            continue
        picture = _thumbnail(read, found, word)
        score = case.scores.get(contender.label)
        tiles.append({"method": contender.label, "picture": picture, "score": score})
    return {
        "kind": case.kind,
        "model": case.model,
        "data": case.data,
        "sample": case.sample,
        "figure": case.figure,
        "answer": read.evidence.trace.answer,
        "word": read.words[word].word.text,
        "picture": _original(read),
        "tiles": tiles,
        "report": _report(laboratory, read, loaded, case.leader, folder / name),
    }


def _report(laboratory: Worker, read: SampleState, loaded: Any, method: str, folder: Path) -> str:
    """Write the report of a case; "" where the method needs more than reports give it."""
    chosen = next(c.method for c in laboratory.plan.methods if c.label == method)
    ids = [token.id for token in read.evidence.trace.tokens]
    try:
        explanation = Explainer(loaded).explain(
            read.sample.image, read.sample.prompt, method=chosen, answer=ids, explain_prompt=False
        )
    except SeewhyError:
        return ""
    folder.mkdir()
    (folder / "report.html").write_text(explanation.html(), "utf-8")
    return f"{folder.name}/report.html"


def _word(read: SampleState, case: Chosen) -> int:
    if case.word >= 0:
        return case.word
    selected = read.selected or tuple(at for at, word in enumerate(read.words) if word.truth)
    return selected[0] if selected else 0


def _thumbnail(read: SampleState, found: Attribution, word: int) -> str:
    tokens = list(read.words[word].word.tokens)
    view = read.evidence.trace.views[0]
    display = found.display[0][tokens].amax(0).cpu()
    return _jpeg(overlay(_pixels(read), display, view.geometry.base_grid, size=_size(read)))


def _original(read: SampleState) -> str:
    return _jpeg(read.sample.image.resize(_size(read)))


def _pixels(read: SampleState) -> torch.Tensor:
    width, height = read.sample.image.size
    pixels = bytearray(read.sample.image.tobytes())
    return torch.frombuffer(pixels, dtype=torch.uint8).view(height, width, 3)


def _size(read: SampleState) -> tuple[int, int]:
    width, height = read.sample.image.size
    ratio = min(1, LARGEST / max(width, height))
    return max(1, round(width * ratio)), max(1, round(height * ratio))


def _jpeg(image: Any) -> str:
    held = io.BytesIO()
    image.save(held, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(held.getvalue()).decode()


def _leading(results: Results, model: str, data: str) -> Column | None:
    for column in results.columns:
        if column.curve or column.statistic != "mean" or column.higher_is_better is None:
            continue
        if column.unit in ("seconds", "bytes") or column.metric.startswith("cost"):
            continue
        methods = [
            method
            for method in results.methods
            if method != MODEL_ITSELF and results.series(model, data, method, column)[0].values
        ]
        if len(methods) > 1:
            return column
    return None


def _scores(
    results: Results, model: str, data: str, column: Column
) -> dict[tuple[int, int], dict[str, float]]:
    """The figure of every method by place of sample and word; means where there are several."""
    several: dict[tuple[int, int], dict[str, list[float]]] = {}
    for method in results.methods:
        series = results.series(model, data, method, column)[0]
        for value, image, word in zip(series.values, series.images, series.words, strict=True):
            several.setdefault((image, word), {}).setdefault(method, []).append(value)
    return {
        case: {method: fmean(values) for method, values in methods.items()}
        for case, methods in several.items()
    }


def _apart(
    order: Sequence[tuple[int, int]], taken: set[int], count: int
) -> Iterator[tuple[int, int]]:
    """The first of an order that are of samples not taken yet."""
    for image, word in order:
        if count and image not in taken:
            taken.add(image)
            count -= 1
            yield image, word
