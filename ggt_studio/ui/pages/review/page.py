"""The review page: one pair at a time, decided by keyboard, undone as easily."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from ggt_studio.core.words import Category, Decision, RejectReason, State
from ggt_studio.ui.pages.base import Page
from ggt_studio.ui.pages.review.commands import REPEATABLE, Command, command_of, tooltip
from ggt_studio.ui.pages.review.course import Course
from ggt_studio.ui.pages.review.emptiness import EVERYTHING, emptiness
from ggt_studio.ui.pages.review.film import Film
from ggt_studio.ui.pages.review.front import Front
from ggt_studio.ui.pages.review.header import ReviewHeader
from ggt_studio.ui.pages.review.key_overlay import KeyOverlay
from ggt_studio.ui.pages.review.memory import META, Memory, Place
from ggt_studio.ui.pages.review.panel import InfoPanel
from ggt_studio.ui.pages.review.reject_strip import RejectStrip
from ggt_studio.ui.pages.review.sides import Sides
from ggt_studio.ui.pages.review.words import tr
from ggt_studio.ui.state.workspace import Workspace
from ggt_studio.ui.theme import SPACE_8, SPACE_12
from ggt_studio.ui.widgets.common import Banner, EmptyState, Severity, Toast
from ggt_studio.ui.widgets.compare import CompareView

REMEMBER_MS = 1500


class ReviewPage(Page):
    """Compare view, list of pairs, panel; the keys are in `commands`."""

    title = "Review"
    icon_name = "mdi6.eye-check-outline"

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(workspace, parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._remembered = ""
        self._opened = False
        self.header = ReviewHeader()
        self.banner = Banner()
        self.compare = CompareView()
        self.panel = InfoPanel(
            {made.info.id: made.info.label for made in workspace.session.registry.generators.values()}
        )
        self.front = Front(workspace, self.compare, self.panel)
        self.course = Course(workspace, self.front)
        self.empty = EmptyState("mdi6.eye-check-outline", "")
        self._target = ""
        self._lay_out()
        self.sides = Sides(workspace, self.course, self.panel, self._across)
        self.strip = RejectStrip(self)
        self.overlay = KeyOverlay(self)
        self.toast = Toast(self)
        self._remembering = QTimer(self, interval=REMEMBER_MS, singleShot=True)
        self._connect()
        self._show_deciding()

    def _lay_out(self) -> None:
        self._across = QHBoxLayout()
        self._across.setContentsMargins(0, 0, 0, 0)
        self._across.setSpacing(SPACE_8)
        self._across.addWidget(self.compare, 1)
        self._across.addWidget(self.panel)
        body = QWidget()
        body.setLayout(self._across)
        self._stack = QStackedWidget()
        self._stack.addWidget(body)
        self._stack.addWidget(self.empty)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_12, SPACE_8, SPACE_12, SPACE_8)
        layout.setSpacing(SPACE_8)
        layout.addWidget(self.header)
        layout.addWidget(self.banner)
        layout.addWidget(self._stack, 1)
        self.setFocusProxy(self.compare)

    def _connect(self) -> None:
        # The filter installed last comes first: the page's keys before the compare view's, whose arrows pan.
        self.compare.canvas.installEventFilter(self)
        self.header.asked.connect(lambda command: self.do(command, by_key=False))
        self.header.filter_chosen.connect(self._choose_filter)
        self.panel.attempt_chosen.connect(self.front.choose_attempt)
        self.front.changed.connect(self._show_deciding)
        self.course.moved.connect(self._show_place)
        self.course.emptied.connect(self._show_empty)
        self.course.opened.connect(self._show_filter)
        self.course.told.connect(lambda sentence, undo: self.toast.tell(sentence, undo=undo))
        self.course.problem.connect(lambda sentence: self.banner.tell(Severity.ERROR, sentence))
        self.strip.confirmed.connect(self._reject)
        self.strip.closed.connect(self._take_keys)
        self.empty.triggered.connect(self._leave_empty)
        self.toast.undone.connect(self.course.decisions.undo)
        self.workspace.status_changed.connect(self._status_changed)
        self.workspace.reviewing.undo_changed.connect(self._show_deciding)
        self.sides.changed.connect(self._show_sides)
        self.sides.made.connect(self._film_made)
        self.workspace.work_changed.connect(self._show_empty)
        self._remembering.timeout.connect(self._remember)
        self.compare.mode_changed.connect(lambda _: self._remembering.start())

    # --- the page's life -----------------------------------------------------------------------------------------

    def activated(self) -> None:
        """Go on where the review stood."""
        if not self._opened:
            self._opened = True
            self.compare.show_loading()
            self.workspace.tasks.spawn(self._open_remembered())
            return
        self.sides.show(self.width())
        if self.front.patch_id is None:
            self.course.open(self.course.queue.place)
        else:
            self.course.go(self.front.patch_id)
            self.course.grow()

    def deactivated(self) -> None:
        """Remember the place, and let pictures and thumbnails go."""
        self.strip.cancel()
        self._remembering.stop()
        self._remember()
        self.sides.let_go()
        self.front.let_go()

    async def _open_remembered(self) -> None:
        self._remembered = await self.workspace.query(lambda project: project.meta(META))
        memory = Memory.from_json(self._remembered)
        self.compare.set_mode(memory.mode)
        self.sides.wants_film, self.sides.wants_info = memory.film, memory.info
        self.sides.show(self.width())
        await self.course.open_now(memory.place)

    def _remember(self) -> None:
        sides = self.sides
        text = Memory(self.course.queue.memory, sides.wants_film, sides.wants_info, self.compare.mode).to_json()
        if self._opened and text != self._remembered and not self.workspace.read_only:
            # Handed over at once and not by a task: the project may be closed before one would begin.
            self.workspace.session.store.submit(lambda project: project.set_meta(META, text))
            self._remembered = text

    # --- list and panel ------------------------------------------------------------------------------------------

    def _show_sides(self) -> None:
        self.header.buttons[Command.FILM].setChecked(self.sides.film is not None)
        self.header.buttons[Command.INFO].setChecked(self.sides.info_shown)
        self._remembering.start()

    def _film_made(self, film: Film) -> None:
        film.installEventFilter(self)
        film.picked.connect(self.course.go)
        film.activated.connect(lambda _: self._take_keys())
        self._show_place()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A page that becomes narrow gives its width to the photos, a wide one shows everything again."""
        super().resizeEvent(event)
        if self._opened:
            self.sides.fit(event.size().width())

    # --- what is shown -------------------------------------------------------------------------------------------

    def _show_place(self) -> None:
        patch_id, queue = self.front.patch_id, self.course.queue
        index = queue.index(patch_id) if patch_id is not None else -1
        self.header.set_place(index if index >= 0 and queue.complete else None, len(queue.ids))
        if patch_id is not None:
            self._stack.setCurrentIndex(0)
            self._proxy(self.compare)
            if self.strip.patch_id != patch_id:
                self.strip.cancel()
            self._remembering.start()
        if self.sides.film is not None:
            self.sides.film.follow(index)

    def _show_filter(self, place: Place) -> None:
        self.header.set_filter(place.state, place.category)
        if self.workspace.status is not None:
            self.header.set_counts(self.workspace.status)

    def _show_empty(self) -> None:
        status = self.workspace.status
        if status is None or self.front.patch_id is not None or not self.course.queue.complete:
            return
        told = emptiness(status, self.course.queue.place, running=self.workspace.running)
        self._target = told.target
        self.empty.set(told.icon, told.heading, told.sentence, told.action)
        self.header.set_place(None, 0)
        self.strip.cancel()
        self._stack.setCurrentIndex(1)
        self._proxy(None)

    def _proxy(self, target: QWidget | None) -> None:
        """Who has the keyboard when the page has it."""
        if self.focusProxy() is not target:
            self.setFocusProxy(target)  # type: ignore[arg-type] - None is what takes the proxy away
            if self.isVisible() and self.strip.isHidden():
                self.setFocus()

    def _show_deciding(self) -> None:
        """What the buttons offer."""
        obstacle = self.front.obstacle() if self.front.patch_id is not None else tr("No pair is in front.")
        for command in (Command.ACCEPT, Command.REJECT):
            button = self.header.buttons[command]
            # A pair that is still being looked at for the first moment keeps its buttons lit: they would flicker.
            button.setEnabled(not obstacle)
            button.setToolTip(obstacle or tooltip(command))
        reviewing = self.workspace.reviewing
        self.header.buttons[Command.UNDO].setEnabled(reviewing.can_undo)
        self.header.buttons[Command.REDO].setEnabled(reviewing.can_redo)

    def _status_changed(self, _: object) -> None:
        self._show_filter(self.course.queue.place)
        self._show_deciding()
        self._show_empty()

    def _choose_filter(self, state: State, category: Category | None) -> None:
        self.course.open(Place(state, category))
        self._take_keys()

    def _leave_empty(self) -> None:
        if self._target != EVERYTHING:
            self.page_requested.emit(self._target)
        else:
            self._choose_filter(self.course.queue.place.state, None)

    # --- commands --------------------------------------------------------------------------------------------------

    def do(self, command: Command, *, by_key: bool) -> None:
        """Do what a key or a button asks for."""
        course, front = self.course, self.front
        match command:
            case Command.ACCEPT:
                if course.may_decide(by_key=by_key):
                    course.decide(Decision.ACCEPT)
            case Command.REJECT:
                if course.may_decide(by_key=by_key) and front.patch_id is not None:
                    self.strip.ask(front.patch_id, self._stack.y())
            case Command.NEXT | Command.PREVIOUS:
                course.step(1 if command is Command.NEXT else -1)
            case Command.FIRST | Command.LAST:
                course.go_to_end(first=command is Command.FIRST)
            case Command.UNDO:
                course.decisions.undo()
            case Command.REDO:
                course.decisions.redo()
            case Command.TOGGLE:
                self.compare.flicker()
            case Command.EARLIER_ATTEMPT | Command.LATER_ATTEMPT:
                front.step_attempt(-1 if command is Command.EARLIER_ATTEMPT else 1)
            case Command.FILM:
                self.sides.toggle_film()
            case Command.INFO:
                self.sides.toggle_info()
            case Command.FULL:
                self.panel.toggle_full()
            case Command.HELP:
                self.overlay.show_over()

    def _reject(self, reason: RejectReason, said: str) -> None:
        if self.strip.patch_id == self.front.patch_id:
            self.course.decide(Decision.REJECT, reason, said)

    def _take_keys(self) -> None:
        if self.isVisible():
            self.setFocus()

    # --- keys --------------------------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The page's keys where its own widgets would use them otherwise."""
        if isinstance(event, QKeyEvent) and event.type() in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
            return self._key(event)
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The page's keys, then the compare view's."""
        if not self._key(event) and not self.compare.handle_key(event):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """A peek ends."""
        if not self._key(event) and not self.compare.handle_key(event):
            super().keyReleaseEvent(event)

    def _key(self, event: QKeyEvent) -> bool:
        command, pressed = command_of(event), event.type() == QEvent.Type.KeyPress
        if command is Command.TOGGLE:
            return self.compare.handle_key(
                QKeyEvent(event.type(), Qt.Key.Key_F, Qt.KeyboardModifier.NoModifier, "", event.isAutoRepeat())
            )
        if not self.strip.isHidden():
            return pressed and (self.strip.handle_key(event) or command is not None)
        if command is None:
            return False
        if pressed and (command in REPEATABLE or not event.isAutoRepeat()):
            self.do(command, by_key=True)
        return pressed
