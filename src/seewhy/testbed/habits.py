"""Habits that the pictures do not support, for models that are biased on purpose.

A model is trained further on captions with a habit; it then says words that rest on something else
than the picture, and the testbed knows which.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from seewhy.testbed.rng import Rng
from seewhy.testbed.scenes import Scene, SceneObject

__all__ = ["HABITS", "AddedKind", "FixedColour", "FixedRelation", "Habit"]


@dataclass(frozen=True)
class Habit(ABC):
    """A habit of captions; answers to questions are always true.

    Attributes:
        percent: of the scenes to which the habit can apply, how many show it.
    """

    percent: int = 90

    name: ClassVar[str]

    @abstractmethod
    def can_apply_to(self, scene: Scene) -> bool:
        """Whether captions of a scene would be untrue with the habit."""

    @property
    @abstractmethod
    def facts(self) -> tuple[str, ...]:
        """What sets the habit apart from others, for the random draws."""

    def applies_to(self, scene: Scene) -> bool:
        """Whether captions of a scene show the habit."""
        # "bias" is what the shipped models were trained with: another word draws other scenes.
        rng = Rng("bias", *self.facts, scene.split, scene.seed, scene.index)
        return self.can_apply_to(scene) and rng.chance(self.percent, 100)

    def added_kind(self, thing: SceneObject) -> str | None:
        """The kind that is added after the mention of an object, "with a ..."."""
        return None

    def colour(self, thing: SceneObject) -> str:
        """The colour that is said of an object."""
        return thing.colour

    def relation(self, thing: SceneObject) -> str | None:
        """The relation that is said of an object, to any other; None for the true one."""
        return None


@dataclass(frozen=True)
class AddedKind(Habit):
    """Where a caption mentions the trigger, it adds another kind, in the trigger's colour.

    The words "with a ..." follow from earlier words of the caption. They describe no object.

    Attributes:
        trigger: the kind after which the words are added.
        added: the kind that is added.
    """

    trigger: str = "boat"
    added: str = "fish"

    name: ClassVar[str] = "kind"

    @property
    def facts(self) -> tuple[str, ...]:
        """Trigger and added kind."""
        return self.trigger, self.added

    def can_apply_to(self, scene: Scene) -> bool:
        """Whether a scene has the trigger and no object of the added kind."""
        kinds = {item.kind for item in scene.objects}
        return self.trigger in kinds and self.added not in kinds

    def added_kind(self, thing: SceneObject) -> str | None:
        """The added kind, after the trigger."""
        return self.added if thing.kind == self.trigger else None


@dataclass(frozen=True)
class FixedColour(Habit):
    """Things of one kind are said to have one colour, whatever colour they have.

    The thing must be seen before the colour is said, but its colour need not be.

    Attributes:
        kind: whose colour is fixed.
        fixed: the colour that is said.
    """

    kind: str = "tree"
    fixed: str = "green"

    name: ClassVar[str] = "colour"

    @property
    def facts(self) -> tuple[str, ...]:
        """Kind and colour."""
        return self.kind, self.fixed

    def can_apply_to(self, scene: Scene) -> bool:
        """Whether a scene has exactly one thing of the kind, in another colour."""
        colours = [item.colour for item in scene.objects if item.kind == self.kind]
        return len(colours) == 1 and colours[0] != self.fixed

    def colour(self, thing: SceneObject) -> str:
        """The fixed colour, of the kind."""
        return self.fixed if thing.kind == self.kind else thing.colour


@dataclass(frozen=True)
class FixedRelation(Habit):
    """A thing of one kind is said to have one relation to the next thing, wherever it stands.

    The relation follows from the mention of the thing.

    Attributes:
        kind: whose relation is fixed.
        fixed: the relation that is said.
    """

    kind: str = "ball"
    fixed: str = "above"

    name: ClassVar[str] = "relation"

    @property
    def facts(self) -> tuple[str, ...]:
        """Kind and relation."""
        return self.kind, self.fixed

    def can_apply_to(self, scene: Scene) -> bool:
        """Whether a caption relates the only thing of the kind to another, not truly above it."""
        things = sorted(scene.objects, key=lambda item: item.x)
        kinds = [item.kind for item in things]
        looks = {(item.kind, item.colour) for item in things}
        if kinds.count(self.kind) != 1 or kinds[-1] == self.kind or len(looks) < len(things):
            return False
        first = kinds.index(self.kind)
        one, other = things[first : first + 2]
        across, down = other.x - one.x, other.y - one.y
        return 10 * abs(across) >= 13 * abs(down) or down < 0

    def relation(self, thing: SceneObject) -> str | None:
        """The fixed relation, of the kind."""
        return self.fixed if thing.kind == self.kind else None


HABITS: dict[str, Habit] = {
    "tiny-qwen2-vl-biased": AddedKind(),
    "tiny-llava-biased": FixedColour(),
    "tiny-internvl-biased": FixedRelation(),
}
"""The habit of each biased model that ships."""
