"""The base class of methods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar

from seewhy.core.attribution import Attribution
from seewhy.core.specs import spec_of
from seewhy.methods._evidence import Evidence


@dataclass(frozen=True)
class Method(ABC):
    """Computes an attribution from evidence. A method is one file with one final class.

    The fields of the frozen dataclass are its parameters; they are checked when it is made.

    A parameter may be a method, such as a base map. Then the method also has the needs, the
    citations and the licences of its parts, and contrasts words only if all parts do (`all_needs`,
    `all_citations`, `licences`, `can_contrast`).

    Class attributes:
        name: the registry name, the file's with dashes.
        summary: one sentence.
        citations: keys in `_citations.py`, the method's own paper first.
        needs: what it uses: `"states"`, `"rankings"`, `"scales"`, `"shares"` (attention that is
            captured while the model runs), `"attentions"`, `"gradients"`, `"pictures"` (it
            reads changed pictures), or nothing.
        contrastive: whether it can contrast a token with a foil, if the trace has foils.
        amounts: whether a map's values are amounts, which finer cells divide among them; else they
            are intensities, which do not depend on the size of cells.
        licence: one sentence on limits of its own use, such as a patent; often empty. A method
            also has those of its parts (`licences`).
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    citations: ClassVar[tuple[str, ...]]
    needs: ClassVar[frozenset[str]]
    contrastive: ClassVar[bool] = False
    amounts: ClassVar[bool] = False
    licence: ClassVar[str] = ""

    @abstractmethod
    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain the tokens of `evidence.explained`."""

    @property
    def parts(self) -> tuple[Method, ...]:
        """The values of its parameters that are methods."""
        values = (getattr(self, f.name) for f in fields(self))
        return tuple(value for value in values if isinstance(value, Method))

    @property
    def all_needs(self) -> frozenset[str]:
        """Its needs and those of its parts."""
        return self.needs.union(*(part.all_needs for part in self.parts))

    @property
    def reads_visual_states(self) -> bool:
        """Whether its maps are read from final or inner states of visual tokens and the word alone.

        Such a state stands where the picture stands, so it cannot know what is asked after it.
        False for methods of attention, gradients and changed pictures: they depend on the question.
        """
        return False

    @property
    def subtracts_words(self) -> bool:
        """Whether it takes the maps of earlier words away from a word's map."""
        return False

    @property
    def all_citations(self) -> tuple[str, ...]:
        """Keys of its papers, then those of its parts."""
        of_parts = (key for part in self.parts for key in part.all_citations)
        return tuple(dict.fromkeys((*self.citations, *of_parts)))

    @property
    def licences(self) -> tuple[str, ...]:
        """Limits of its use, and of the use of its parts, each once; often none."""
        own = (self.licence,) if self.licence else ()
        of_parts = (text for part in self.parts for text in part.licences)
        return tuple(dict.fromkeys((*own, *of_parts)))

    @property
    def can_contrast(self) -> bool:
        """Whether it and all its parts contrast words."""
        return self.contrastive and all(part.can_contrast for part in self.parts)

    @property
    def ranking_depth(self) -> int:
        """How many ids of each context token's ranking it uses."""
        return 1

    @property
    def further_scales(self) -> tuple[float, ...]:
        """The scales that it reads in addition to the base scale; a batch reads them together."""
        return ()

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters, JSON-ready; a method as its spec."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}

    @property
    def spec(self) -> str:
        """Its name and the parameters that differ from their defaults, as `create` takes them.

        Example:
            >>> from seewhy.methods import create
            >>> create("msea", base="tam", window=5).spec
            'msea(window=5, base=tam)'
        """
        changed = {
            f.name: _plain(value)
            for f in fields(self)
            if (value := getattr(self, f.name))
            != (f.default if f.default_factory is MISSING else f.default_factory())
        }
        return spec_of(self.name, changed)


def _plain(value: Any) -> Any:
    if isinstance(value, Method):
        return value.spec
    return list(value) if isinstance(value, list | tuple) else getattr(value, "name", value)
