"""Where is your LiteLLM server?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from textual import on
from textual.containers import VerticalScroll
from textual.widget import Widget

from wizard.answers import GATEWAY_FIELDS, Gateway
from wizard.fields import Problem
from wizard.flow import Step
from wizard.net.address import AddressError
from wizard.tui import story
from wizard.tui.steps.base import StepScreen
from wizard.tui.styles import read_later_styles
from wizard.tui.widgets.choice import Choice, Option
from wizard.tui.widgets.fold import Fold
from wizard.tui.widgets.side_pane import Explanation, explain
from wizard.tui.widgets.stepper import TitleBar
from wizard.tui.widgets.still import Backdrop, Still
from wizard.tui.widgets.url_field import UrlField

_FIELDS: Final = {each.name: each for each in GATEWAY_FIELDS}
_MORE: Final = tuple(each for each in GATEWAY_FIELDS if each.name not in ("url", "route", "allow_http"))
_ROUTES: Final = (
    Option("anthropic", "anthropic", "Right for nearly everybody, Bedrock deployments included."),
    Option("bedrock", "bedrock", "LiteLLM's Bedrock pass-through, with its model names."),
)


class _Scroll(VerticalScroll, Still, Backdrop):
    """What scrolls in a low terminal."""


class ServerStep(StepScreen):
    """Asks for the URL and reads it as you type; the rest is folded away."""

    STEP = Step.SERVER
    TITLE_TEXT = "Where is your LiteLLM server?"
    LEAD = "The address your team was given. A trailing /v1 makes no difference."
    ABOUT = Explanation(
        "Server",
        "Claude Code sends its requests here instead of to Anthropic. Nothing is sent while you type.",
        "https://llm.corp.example:4000",
    )
    HELP_TEXT = (
        "Type the address of your company's LiteLLM proxy: scheme, host and, if it has one, port. The line below the"
        " field shows the URL that Claude Code will use. Going on confirms that your key may be sent to this server,"
        " and to no other.\n\nThe anthropic route is right for nearly everybody. Choose bedrock only when your"
        " administrator says that the proxy is used through its Bedrock pass-through.\n\n'More' holds what a"
        " company network may need: a CA file, a client certificate, an HTTP proxy, a longer request timeout."
    )

    def body(self) -> Iterable[Widget]:
        """Yield the URL with its reading, the route, and the fold."""
        gateway = self.session.draft.answers.gateway
        values = {each.name: getattr(gateway, each.name) for each in _MORE}
        title = "More: CA file, client certificate, proxy, timeout, region"
        with _Scroll(id="scroll", can_focus=False):
            yield UrlField(gateway.url, allow_http=gateway.allow_http, placeholder=_FIELDS["url"].example)
            yield Choice(_ROUTES, gateway.route, id="route", heading="Route")
            yield Fold(title + ("  (some are set)" if any(values.values()) else ""), lambda: self._form(values))

    def _form(self, values: Mapping[str, object]) -> Widget:
        """Return what the fold holds."""
        from wizard.tui.widgets.form import Form  # not needed for the first frame

        read_later_styles(self.app)
        return Form(_MORE, values, "gateway")

    def on_mount(self) -> None:
        """Say why answers from before are not here, or that they are switched off."""
        if greeting := self.session.services.greeting:
            self.lead(greeting)
        if self.session.trouble:
            self.lead(f"{self.session.trouble} Answer anew; the file is replaced when you write.", "-mixed")
        if self.session.off:
            self.retell()

    @on(UrlField.Read)
    def retitle(self, event: UrlField.Read) -> None:
        """Ask what the address makes the question: is it still this server, or did it move?"""
        saved = self.session.draft.saved
        if saved is None or event.address is None or self.session.trouble:
            return
        before = _url(saved.gateway)
        if event.address.url == before:
            self.ask("Is this still your LiteLLM server?")
            self.lead("Set up before. Go on to check it again, or type where it is now.")
            self.retell()
            return
        self.ask("Did your LiteLLM server move?")
        self.lead(f"It was {before}. Nothing else needs to change.", "-mixed")
        self.query_one(TitleBar).tell(story.MOVED)

    def retell(self) -> None:
        """Say too that the set-up is switched off, while that is so."""
        super().retell()
        if self.session.off and not story.moved(self.session.draft):
            self.lead(f"{self.session.off} Writing switches it on again.", "-mixed")

    def may_go_on(self) -> bool:
        """Next is always there: it says what is missing."""
        return True

    def finish(self) -> bool:
        """Put the gateway into the draft and confirm its origin; or show what is wrong."""
        field = self.query_one(UrlField)
        if field.complete():
            return False
        address = field.read(judge=True)
        more, problems = self._more()
        if problems and self._show(problems):
            return False
        if address is None:
            field.correct()
            return False
        gateway = Gateway(url=address.url, route=self._route(), allow_http=address.needs_leave, **more)
        from wizard.answering import with_gateway  # not needed for the first frame

        self.session.draft = with_gateway(self.session.draft, gateway)
        return True

    def _route(self) -> Any:  # noqa: ANN401 - one of the declared routes
        return self.query_one("#route", Choice).value

    def _more(self) -> tuple[Mapping[str, Any], tuple[Problem, ...]]:
        from wizard.tui.widgets.form import Form

        found = self.query(Form)
        if not found:
            gateway = self.session.draft.answers.gateway
            return {each.name: getattr(gateway, each.name) for each in _MORE}, ()
        values, problems = found.first().read()
        from wizard.answering import client_pair_problems

        return values, problems or client_pair_problems(values)

    def _show(self, problems: tuple[Problem, ...]) -> bool:
        from wizard.tui.widgets.form import Form

        fold = self.query_one(Fold)
        if not fold.is_open:
            self.run_worker(fold.toggle())
        return self.query_one(Form).show(problems)

    def explanation_of(self, widget: Widget) -> Explanation:
        """Return the explanation of the three fields that are not in the form."""
        match widget.id:
            case "url":
                return explain(_FIELDS["url"], "gateway")
            case "route":
                return explain(_FIELDS["route"], "gateway")
            case "allow-http":
                return explain(_FIELDS["allow_http"], "gateway")
            case _:
                return Explanation(
                    "More", "What a company network may need. Leave it folded when you were told nothing of it."
                )


def _url(gateway: Gateway) -> str:
    try:
        return gateway.address.url
    except AddressError:
        return gateway.url
