"""Eight colour photographs from scikit-image and scikit-learn, which need no download."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

from ftn_core.sources.photograph import Photograph
from ftn_core.sources.splits import Split
from ftn_core.utils.errors import UserError

_SKIMAGE = ("skimage", "scikit-image", "data")
_SKLEARN = ("sklearn", "scikit-learn", "datasets/images")

_CC_BY = "CC BY 2.0, https://creativecommons.org/licenses/by/2.0/"
# scikit-image states the origin of this pair, but no licence
_MIDDLEBURY = "Middlebury Stereo 2014, Scharstein et al., GCPR 2014; scikit-image states no licence: cite it"

# Whole photographs are held out. Both photographs of the motorcycle show one scene, so they are in one split.
# Terms: docstrings of skimage/data/_fetchers.py; sklearn/datasets/images/README.txt (which names
# danielbuechele for the flower too, but links to vultilion).
_PHOTOGRAPHS: dict[str, tuple[tuple[str, str, str], Split, str]] = {
    "astronaut.png": (_SKIMAGE, "train", "public domain, NASA Great Images"),
    "chelsea.png": (_SKIMAGE, "test", "CC0, Stefan van der Walt"),
    "china.jpg": (_SKLEARN, "train", f"{_CC_BY}, flickr.com/photos/danielbuechele/6061409035"),
    "coffee.png": (_SKIMAGE, "test", "CC0, Rachel Michetti, courtesy of Pikolo Espresso Bar"),
    "flower.jpg": (_SKLEARN, "val", f"{_CC_BY}, flickr.com/photos/vultilion/6056698931"),
    "motorcycle_left.png": (_SKIMAGE, "train", _MIDDLEBURY),
    "motorcycle_right.png": (_SKIMAGE, "train", _MIDDLEBURY),
    "rocket.jpg": (_SKIMAGE, "train", "public domain, SpaceX, flickr.com/photos/spacexphotos/16511594820"),
}


def sample_photographs() -> Iterator[Photograph]:
    """The bundled photographs, sorted by name, with their fixed splits.

    Raises:
        UserError: a package is not installed or does not hold the photograph.
    """
    for name, ((module, package, folder), split, terms) in sorted(_PHOTOGRAPHS.items()):
        # find the package without importing it, because an import takes seconds
        spec = importlib.util.find_spec(module)
        places = (spec and spec.submodule_search_locations) or []
        paths = [path for place in places if (path := Path(place) / folder / name).is_file()]
        if not paths:
            raise UserError(f"data.source sample: {package} with {name} is not installed: `uv pip install {package}`")
        yield Photograph(name, paths[0], split, package, terms)
