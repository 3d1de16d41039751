"""HTTP/1.1 on a socket: what cannot be read as HTTP is refused in the shape of all errors."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hookline.wire import ErrorDetail
from hookline_api.errors import Failure
from hookline_api.requests import HEADER, new_request_id

HEAD = (
    b"HTTP/1.1 400 Bad Request\r\n"
    b"content-type: application/json\r\n"
    b"content-length: %d\r\n"
    b"%b: %b\r\n"
    b"connection: close\r\n"
    b"\r\n"
)


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's, with errors as JSON. Such requests never reach the application."""

    def send_400_response(self, msg: str) -> None:
        """Say what is wrong, and close the connection."""
        body = Failure(400, ErrorDetail(msg, "invalid_request_error")).body
        self.transport.write(HEAD % (len(body), HEADER, new_request_id()) + body)
        self.transport.close()
