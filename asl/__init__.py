"""Recognising American Sign Language hand shapes from images with PyTorch.

Every public name can be imported from here. `__init__.pyi` lists the names; each is imported from
its module when it is first used, so `from asl import Recognizer` loads neither matplotlib nor the
training code.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
