"""What the page asks of the server."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from urllib.parse import quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ftn_core.utils.errors import UserError
from serving.demo.answer import Answers
from serving.demo.controls import controls
from serving.demo.models import find_models
from serving.demo.open_pictures import OpenPictures
from serving.demo.pictures import MAX_PIXELS, Part
from serving.demo.saving import save
from serving.demo.setting import Setting, number
from serving.http.file_endpoint import FileEndpoint, run_while_connected
from serving.http.receive import error_answer, largest_body, receive

_HERE = Path(__file__).parent
_OWN_ONLY = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'",
    "Cache-Control": "no-cache",
}
_Query = Mapping[str, str]


class Api:
    """One object for the whole server. What differs between open pages is in each request.

    Args:
        model: to open with; None: the default model.
        folder: for uploads and results.

    Raises:
        UserError: there is no model, or ``model`` cannot be loaded.
    """

    def __init__(self, model: str | None, folder: Path) -> None:
        self._asked = model
        self._folder = folder
        self.models = find_models(model)
        self.answers = Answers(OpenPictures(folder))
        self.answers.denoisers(self.models.first)
        # always the same threads: PyTorch keeps a team of its own for each that calls it. Large files take long
        self._view, self._files = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        self._progress: dict[str, float] = {}

    def routes(self) -> list[BaseRoute]:
        """The page, and what it asks for."""
        pages = [Route(f"/{name}", _file(name or "page.html")) for name in ("", "page.css", "page.js")]
        return [
            *pages,
            Route("/start", self._answer(self._start)),
            Route("/models", self._answer(self._models, self._files)),
            Route("/controls", self._answer(self._controls)),
            Route("/picture", self._answer(self._picture)),
            Route("/level", self._answer(lambda query: JSONResponse(self.answers.found_level(self._setting(query))))),
            Route("/preview", self._answer(self._preview)),
            Route("/view", self._answer(self._shown)),
            Route("/save", FileEndpoint(self._save, self._folder), methods=["GET"]),
            Route("/progress", lambda request: JSONResponse(self._progress.get(request.query_params.get("job", "")))),
            Route("/pictures", self._upload, methods=["POST"]),
        ]

    def _answer(
        self, function: Callable[[_Query], Response], thread: Executor | None = None
    ) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint. What the user did wrong is one line of text, with its status."""

        async def endpoint(request: Request) -> Response:
            loop = asyncio.get_running_loop()
            try:
                return await loop.run_in_executor(thread or self._view, function, request.query_params)
            except UserError as error:
                return error_answer(error)

        return endpoint

    def _setting(self, query: _Query) -> Setting:
        return Setting.read(query, self.models.labels)

    def _start(self, query: _Query) -> Response:
        return JSONResponse(
            {"first": self.models.first, "samples": [*self.answers.open_pictures.samples]} | self._offered()
        )

    def _models(self, query: _Query) -> Response:
        """With those that were trained or registered after the server was started."""
        self.models = find_models(self._asked)
        return JSONResponse(self._offered())

    def _offered(self) -> dict[str, object]:
        return {"models": self.models.labels, "warning": self.models.registry_error}

    def _controls(self, query: _Query) -> Response:
        setting = self._setting({"level": "0"} | dict(query))
        return JSONResponse(controls(self.answers.denoisers(setting.models[0])))

    def _picture(self, query: _Query) -> Response:
        return self._opened(query.get("picture", ""))

    def _opened(self, key: str) -> Response:
        picture = self.answers.open_pictures.open(key)
        height, width = picture.pixels.shape[1:]
        about = {"key": key, "name": picture.name, "about": picture.about, "width": width, "height": height}
        return JSONResponse(about)

    def _preview(self, query: _Query) -> Response:
        return Response(self.answers.preview(self._setting(query)), media_type="image/jpeg")

    def _shown(self, query: _Query) -> Response:
        setting = self._setting(query)
        picture = self.answers.open_pictures.open(setting.picture)
        part = Part.within(picture, *(number(query, side) for side in ("left", "top", "width", "height")))
        return JSONResponse(
            self.answers(setting, part, number(query, "scale"), self.models.labels, with_input="input" in query)
        )

    async def _save(self, request: Request, folder: Path) -> Response:
        saved = partial(self._saved, request.query_params, folder / "restored")
        return await run_while_connected(request, self._files, saved)

    def _saved(self, query: _Query, path: Path, check: Callable[[], None]) -> Response:
        setting, job = self._setting(query), query.get("job", "")

        def progress(share: float) -> None:
            check()
            self._progress[job] = share

        try:
            progress(0.0)
            name = save(self.answers, setting, path, progress)
        finally:
            self._progress.pop(job, None)
        return FileResponse(path, headers={"Ftn-Name": quote(name)})

    async def _upload(self, request: Request) -> Response:
        pictures = self.answers.open_pictures
        key, path = pictures.new(request.query_params.get("name", ""))
        try:
            await receive(request, path, largest_body(MAX_PIXELS))
            return await asyncio.get_running_loop().run_in_executor(self._view, self._opened, key)
        except BaseException as error:
            pictures.forget(key)
            if isinstance(error, (UserError, ClientDisconnect)):
                return error_answer(error)
            raise


def _file(name: str) -> Callable[[Request], Response]:
    return lambda request: FileResponse(_HERE / name, headers=_OWN_ONLY)
