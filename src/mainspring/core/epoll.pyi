from mainspring.core.poller import Poller

class EpollPoller(Poller):
    def fileno(self) -> int: ...
