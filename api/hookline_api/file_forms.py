"""The form that a file is uploaded with, as the API's document describes it."""

from dataclasses import dataclass

from litestar.openapi.spec import (
    OpenAPIFormat,
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    RequestBody,
    Schema,
)


@dataclass
class UploadOperation(Operation):
    """Describes a body that is read as it comes in, which Litestar knows nothing of."""

    def __post_init__(self) -> None:
        """Add the form."""
        self.request_body = RequestBody(
            {"multipart/form-data": OpenAPIMediaType(_form())}, required=True
        )


def _form() -> Schema:
    purposes = ["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]
    seconds = Schema(type=OpenAPIType.INTEGER, minimum=3_600, maximum=2_592_000)
    return Schema(
        type=OpenAPIType.OBJECT,
        required=["file", "purpose"],
        properties={
            "file": Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY),
            "purpose": Schema(type=OpenAPIType.STRING, enum=purposes),
            "expires_after[anchor]": Schema(type=OpenAPIType.STRING, enum=["created_at"]),
            "expires_after[seconds]": seconds,
        },
    )
