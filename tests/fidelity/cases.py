"""What a case is: a file, and the table that it should become."""

import dataclasses
import re

# The name of the column of geometries, whatever a reader calls it.
GEOMETRY = "<geometry>"

# A name that the file does not have, or not this way: any will do that no other column has.
ANY = None


@dataclasses.dataclass
class Case:
    """A file with a hazard in it.

    `rows` are those that it should become, in the order of `names`; several names in place of one are all
    good. Where `refused` is given it should become none, and the message should match. Where `crs` is
    given, one of these reference systems should come out, and more columns may. `options` are, by reader,
    those that are made for the case; they are tried where the reader does without them what it should
    not. `integers` says that it is about integers, so that floats of the same value are a fault.
    """

    name: str
    hazard: str
    data: bytes
    names: list = dataclasses.field(default_factory=list)
    rows: list = dataclasses.field(default_factory=list)
    refused: str | None = None
    crs: tuple = ()
    options: dict = dataclasses.field(default_factory=dict)
    integers: bool = False

    def places_of(self, found):
        """Returns the place of each name among those that were found; nothing for one that is missing."""
        free = list(found)
        places = []
        for name in self.names:
            good = name if isinstance(name, tuple) else (name,)
            chosen = next((one for one in good if one in free), None)
            if name is not ANY and chosen is not None:
                places.append(free.index(chosen))
                free[free.index(chosen)] = None
            else:
                places.append(None)
        return places

    def says_why(self, message):
        """Returns whether a message says why the file is refused."""
        return re.search(self.refused, message, re.IGNORECASE) is not None
