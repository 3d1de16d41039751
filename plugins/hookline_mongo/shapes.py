"""How things stand in documents, one conversion in each direction."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

import attrs
import msgspec
from odmantic import Model

from hookline.archive import NOTHING, content_of, unknown_of
from hookline.documents import refuse_large
from hookline.errors import StoreUnavailable
from hookline.moments import all_in_utc, micros, of_micros, utc
from hookline_mongo.driver import Document

ThingT = TypeVar("ThingT")
_encode = msgspec.json.Encoder(order="deterministic").encode
_NATIVE = (bytes, datetime)


def _own_id(thing: Any) -> str:
    id_: str = thing.id
    return id_


class Shape(Generic[ThingT]):
    """How things of a class stand in a model's documents.

    Moments are integers and mappings are JSON text there; anything else stands as it is, unless
    it is to be text, too.

    Args:
        type_: the class of the things.
        model: of the documents.
        kind: what a thing is called in messages.
        id_of: the document's id.
        id_field: the model's field that holds the ``id`` of the thing.
        texts: the fields besides mappings that are JSON text, such as those with moments in them.
    """

    def __init__(
        self,
        type_: type[ThingT],
        model: type[Model],
        kind: str,
        *,
        id_of: Callable[[ThingT], str] = _own_id,
        id_field: str = "id",
        texts: Collection[str] = (),
    ):
        hints = get_type_hints(type_)
        any_type: Any = type_
        names = [field.name for field in attrs.fields(any_type)]
        self.model = model
        self.kind = kind
        self.id_of = id_of
        self._type = type_
        self._fields = {name: id_field if name == "id" else name for name in names}
        self._keys = {
            name: "_id" if field == "id" else field for name, field in self._fields.items()
        }
        self._times = [name for name in names if datetime in (hints[name], *get_args(hints[name]))]
        self._texts = {
            name: msgspec.json.Decoder(hints[name])
            for name in names
            if name in texts or get_origin(hints[name]) is Mapping
        }
        self._nested = bool(texts)
        self._known = {"_id", *model.model_fields}

    def what(self, id_: object) -> str:
        """A thing's name in messages."""
        return f"the {self.kind} {id_}"

    def checked(self, thing: ThingT) -> ThingT:
        """The thing as it comes back: with all its times in UTC.

        Raises:
            ValueError: a time has no zone.
            InvalidRequest: it is too large.
        """
        refuse_large(len(_encode(thing)), self.what(self.id_of(thing)))
        if self._nested:
            return all_in_utc(thing)
        given: Any = thing
        values = {name: getattr(given, name) for name in self._times}
        times = {name: utc(value) for name, value in values.items() if value is not None}
        evolved: ThingT = attrs.evolve(given, **times)
        return evolved

    def dump(self, thing: ThingT, **more: Any) -> Document:
        """The document of a thing.

        Args:
            thing: is to be kept.
            more: fields of the model that the thing does not have.
        """
        content = msgspec.to_builtins(thing, order="deterministic", builtin_types=_NATIVE)
        for name in self._times:
            if content[name] is not None:
                content[name] = micros(content[name])
        for name in self._texts:
            if content[name] is not None:
                content[name] = _encode(content[name]).decode()
        values = {self._fields[name]: value for name, value in content.items()}
        values.update(more, id=self.id_of(thing))
        return self.model(**values).model_dump_doc(include=set(values))

    def restored(self, content: Mapping[str, Any], **more: Any) -> Document:
        """The document of what the archive says, with what a newer Hookline wrote."""
        unknown = unknown_of(self._type, content)
        if unknown:
            # Its keys may be such as no field of a document can have.
            more["unknown"] = _encode(unknown).decode()
        return self.dump(msgspec.convert(content, self._type), **more)

    def load(self, document: Document) -> ThingT:
        """The thing of a document; what a newer Hookline added is passed over.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        content = {name: document[key] for name, key in self._keys.items() if key in document}
        try:
            for name in self._times:
                if content.get(name) is not None:
                    content[name] = of_micros(content[name])
            for name, decoder in self._texts.items():
                if content.get(name) is not None:
                    content[name] = decoder.decode(content[name])
            return msgspec.convert(content, self._type, builtin_types=_NATIVE)
        except (msgspec.MsgspecError, TypeError, OverflowError) as error:
            message = (
                f"{self.what(document['_id'])} cannot be read from the store: {error}; "
                f"was it kept by a newer Hookline?"
            )
            raise StoreUnavailable(message) from error

    def content(self, document: Document) -> Mapping[str, Any]:
        """What the archive says of a document: with what a newer Hookline wrote."""
        return content_of(self.load(document), self.unknown(document))

    def unknown(self, document: Document) -> Mapping[str, Any]:
        """What a newer Hookline wrote into a document."""
        brought = document.get("unknown")
        native = {key: _plain(to) for key, to in document.items() if key not in self._known}
        return {**(NOTHING if brought is None else msgspec.json.decode(brought)), **native}


def _plain(value: Any) -> Any:
    """A value as JSON has it: the driver has a class of its own for 64-bit integers."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return int(value) if type(value) is not bool and isinstance(value, int) else value
