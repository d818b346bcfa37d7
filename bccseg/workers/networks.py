"""Networks that a worker has loaded, by where they come from. The ones nobody asks for are forgotten."""

import threading
import time
from dataclasses import dataclass, field

from bccseg.config import NETWORK_IDLE_MINUTES, NETWORKS_LOADED
from bccseg.inference.predictor import Predictor
from bccseg.workers.messages import Network


@dataclass
class _Loaded:
    predictor: Predictor
    used: float = field(default_factory=time.monotonic)


class Networks:
    """Those of one worker."""

    def __init__(self, most: int = NETWORKS_LOADED, idle_minutes: float = NETWORK_IDLE_MINUTES) -> None:
        self.most, self.idle_s = most, idle_minutes * 60
        self._lock = threading.Lock()
        self._loaded: dict[Network, _Loaded] = {}  # used last comes last

    def get(self, network: Network) -> Predictor:
        """Ready to run; loaded if need be. Raises WeightsError, SettingsError."""
        from pathlib import Path

        from bccseg.model.weights import load_weights

        with self._lock:
            found = self._loaded.pop(network, None)
            if found is None:
                found = _Loaded(Predictor(load_weights(Path(network.folder), network.source), network.device))
            found.used = time.monotonic()
            self._loaded[network] = found
            for oldest in list(self._loaded)[: -self.most]:
                del self._loaded[oldest]
        return found.predictor

    def forget_idle(self) -> int:
        """Forget those that nobody has used for a while, but for the last one; how many."""
        with self._lock:
            old = [n for n, one in self._loaded.items() if time.monotonic() - one.used > self.idle_s][
                : len(self._loaded) - 1
            ]
            for network in old:
                del self._loaded[network]
        return len(old)

    def __len__(self) -> int:
        return len(self._loaded)
