"""Where runs run: in processes of this machine, or on a Ray cluster.

An engine takes jobs and gives outcomes as they come. Closing it, also by Ctrl-C, ends what is still running.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from ..drive.measured import CRASHED, Measure, Measured
from ..errors import LrightError
from ..records import record
from .job import OWN, Job, Outcome
from .plan import Plan

if TYPE_CHECKING:
    from queue import Queue

GRACE = 15.0  # seconds that runs have to end when they are told to
Work = Callable[[Job, Mapping[str, str], Callable[[], bool] | None], Outcome]


@record(frozen=True)
class Task:
    """How a job is done: what is the same in all runs. Travels to other machines, so it is data and a function."""

    plan: Plan
    measure: Measure
    own_peak: float | None = None
    updates: int | None = None  # of the script as it stands, where a run has shown it
    timeout: float | None = None
    traces: str | None = None  # the folder where what each run did is kept
    strict: bool = True  # raise the LrightError of a run that cannot be made; else it is one that crashed

    def __call__(
        self, job: Job, environment: Mapping[str, str], cancelled: Callable[[], bool] | None = None
    ) -> Outcome:
        schedule = None if job.cell.schedule == OWN else job.cell.schedule
        try:
            measured = self.measure(
                self.plan.script,
                self.plan.arguments_of(job),
                schedule=schedule,
                **job.rate(self.own_peak),
                seed=job.seed,
                metric=self.plan.metric,
                trace=self._trace(job),
                timeout=self.timeout,
                environment=environment,
                cancelled=cancelled,
                module=self.plan.module,
                updates=self.updates,
            )
        except LrightError as error:
            if self.strict:
                raise
            measured = Measured(ended=CRASHED, message=str(error).splitlines()[0])
        return Outcome(job, measured)

    def _trace(self, job: Job) -> str | None:
        if self.traces is None:
            return None
        name = "".join(char if char.isalnum() or char in ".-" else "_" for char in str(job))
        return os.path.join(self.traces, f"{name}.jsonl")


class Engine(Protocol):
    """Carries out jobs; ``outcomes`` gives each as it is done, in any order. It is ready inside a ``with``."""

    jobs: int

    def __enter__(self) -> object: ...

    def __exit__(self, *error: object) -> None: ...

    def outcomes(self, work: Work, jobs: Sequence[Job]) -> Generator[Outcome, None, None]:
        """What comes of each job."""
        ...


class Local:
    """So many processes at once on this machine; ``devices`` are shared out among them, one GPU to each.

    The runs are processes of their own, so that a thread is enough to wait for each of them.
    """

    def __init__(self, jobs: int = 1, devices: Sequence[str] = ()) -> None:
        self.jobs = jobs
        self.devices = devices

    def __enter__(self) -> Local:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing was started that is still there."""

    def outcomes(self, work: Work, jobs: Sequence[Job]) -> Generator[Outcome, None, None]:
        """What comes of each job, as it is done. An error in one ends them all and is raised here."""
        from queue import SimpleQueue
        from threading import Event, Thread

        todo, done, stop = iter(jobs), SimpleQueue[Any](), Event()
        free = [self._environment(index) for index in range(self.jobs)]
        threads: list[Thread] = []

        def begin(environment: Mapping[str, str]) -> int:
            job = next(todo, None)
            if job is None:
                return 0
            thread = Thread(target=_carry_out, args=(work, job, environment, stop.is_set, done), daemon=True)
            threads.append(thread)
            thread.start()
            return 1

        try:
            running = sum(begin(environment) for environment in free)
            while running:
                result, environment = done.get()
                if isinstance(result, BaseException):
                    raise result
                running += begin(environment) - 1
                yield result
        finally:
            stop.set()
            for thread in threads:
                thread.join(timeout=GRACE)

    def _environment(self, index: int) -> dict[str, str]:
        """What a run is told of its share of the machine."""
        environment = {}
        if self.devices:
            environment["CUDA_VISIBLE_DEVICES"] = self.devices[index % len(self.devices)]
        if self.jobs > 1 and "OMP_NUM_THREADS" not in os.environ:  # else each takes all cores, and all are slow
            environment["OMP_NUM_THREADS"] = str(max((os.cpu_count() or 1) // self.jobs, 1))
        return environment


def _carry_out(
    work: Work, job: Job, environment: Mapping[str, str], cancelled: Callable[[], bool], done: Queue[Any]
) -> None:
    try:
        done.put((work(job, environment, cancelled), environment))
    except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the thread that waits
        done.put((error, environment))


class Ray:
    """A Ray cluster: the one at ``address`` (or RAY_ADDRESS), else one started on this machine for the time of it.

    ``cpus`` and ``gpus`` are what a run takes of a machine; Ray places as many at once as fit, at most ``jobs`` where
    that is not 0. The script is found at the same path on every machine, or travels in the folder ``working_dir``.
    lright and torch are installed there.
    """

    def __init__(
        self,
        jobs: int = 0,
        address: str | None = None,
        cpus: float = 1,
        gpus: float = 0,
        working_dir: str | None = None,
    ) -> None:
        self.jobs = jobs
        self.address = address or os.environ.get("RAY_ADDRESS")
        self.cpus, self.gpus = cpus, gpus
        self.working_dir = working_dir
        self._started = False

    def __enter__(self) -> Ray:
        ray = self._ray()
        if not ray.is_initialized():
            self._start(ray)
            self._started = True
        return self

    def __exit__(self, *error: object) -> None:
        """Leave the cluster, and end one that was started here."""
        if self._started:
            self._ray().shutdown()
            self._started = False

    def outcomes(self, work: Work, jobs: Sequence[Job]) -> Generator[Outcome, None, None]:
        """What comes of each job, as it is done. Ray starts anew what a lost machine takes with it."""
        ray = self._ray()
        self._check(ray)
        running: list[Any] = []
        try:
            remote = ray.remote(num_cpus=self.cpus, num_gpus=self.gpus, max_retries=2)(_remotely)
            shared = ray.put(work)
            todo, folder = iter(jobs), None if self.working_dir else os.getcwd()
            atonce = self.jobs or len(jobs)
            while True:
                room = range(atonce - len(running))
                running += [remote.remote(shared, job, folder) for _, job in zip(room, todo)]
                if not running:
                    return
                ready, running = ray.wait(running, num_returns=1)
                yield _fetched(ray, ready[0])
        finally:
            for reference in running:
                ray.cancel(reference)
            if running:  # they end the script that they run
                ray.wait(running, num_returns=len(running), timeout=GRACE)

    @staticmethod
    def _ray() -> Any:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nobody asked for reports to Ray's makers
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # a run that asks for no GPU still sees them
        try:
            import ray
        except ImportError:
            raise LrightError("--engine ray needs Ray: pip install 'lright[ray]', or leave --engine out") from None
        return ray

    def _start(self, ray: Any) -> None:
        environment = {"working_dir": self.working_dir} if self.working_dir else None
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": "error", "runtime_env": environment}
        if not self.address:
            options["include_dashboard"] = False
        try:
            ray.init(address=self.address, **options)
        except (ConnectionError, ValueError, RuntimeError) as error:
            where = f"at {self.address}" if self.address else "on this machine"
            raise LrightError(f"no Ray cluster {where} ({_line(error)}): see ray status, or --ray-address") from None

    def _check(self, ray: Any) -> None:
        """A run that fits on no machine would wait for ever."""
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        wanted = {"CPU": self.cpus, "GPU": self.gpus}
        if not any(all(node.get(name, 0) >= count for name, count in wanted.items()) for node in nodes):
            most = ", ".join(f"{max((node.get(name, 0) for node in nodes), default=0):g} {name}" for name in wanted)
            raise LrightError(
                f"no machine of the Ray cluster has {self.cpus:g} CPU and {self.gpus:g} GPU for a run (most there is: "
                f"{most}): lower --ray-cpus or --ray-gpus"
            )


def _remotely(work: Work, job: Job, folder: str | None) -> Outcome:
    """A job on a worker of Ray, in ``folder`` where it is there. A KeyboardInterrupt ends it, as `Measure` says."""
    if folder and os.path.isdir(folder):
        os.chdir(folder)
    return work(job, {}, None)


def _fetched(ray: Any, reference: Any) -> Outcome:
    try:
        outcome: Outcome = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, LrightError):
            raise error.cause from None
        raise LrightError(f"a run failed on the Ray cluster: {_line(error.cause)}") from error
    except ray.exceptions.RayError as error:
        raise LrightError(f"Ray lost a run: {_line(error)}") from None
    return outcome


def _line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
