"""What containers can't do."""

from shared.engine.states import Outcome
from tests.docker.bench import ContainerBench


async def test_too_much_memory_ends_the_container_and_is_told(bench: ContainerBench) -> None:
    cmd = "head -c 200m /dev/zero | tail"
    result, _ = await bench.run(cmd, spec={"resources": {"memory": "16Mi"}})
    assert result.outcome is Outcome.FAILED
    assert "used more memory than it may" in (result.error or "")


async def test_a_container_has_only_so_many_processes(bench: ContainerBench) -> None:
    result, written = await bench.run("for i in $(seq 100); do sleep 30 & done; echo all", limits={"pids": 16})
    assert "can't fork" in str(result.error) + "".join(written.texts("stderr"))
    assert written.texts("stdout") == []


async def test_a_container_has_no_capabilities_and_gets_no_new_ones(bench: ContainerBench) -> None:
    _, written = await bench.run("grep -E '^(CapEff|CapBnd|NoNewPrivs):' /proc/self/status")
    assert [line.split()[1] for line in written.texts("stdout")] == ["0" * 16, "0" * 16, "1"]


async def test_a_container_sees_neither_the_engine_nor_the_network_nor_other_processes(bench: ContainerBench) -> None:
    cmd = "ls /var/run/docker.sock /run/docker.sock; ls /sys/class/net; ps -o pid | wc -l; mount -t tmpfs x /tmp"
    result, written = await bench.run(cmd)
    assert result.outcome is Outcome.FAILED
    assert written.texts("stdout")[0] == "lo"
    assert int(written.texts("stdout")[-1]) < 8


async def test_the_limits_are_in_the_cgroup(bench: ContainerBench) -> None:
    cmd = (
        "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max;"
        "cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null || cut -d' ' -f1 /sys/fs/cgroup/cpu.max"
    )
    _, written = await bench.run(cmd, spec={"resources": {"memory": "32Mi", "cpu": "250m"}})
    assert written.texts("stdout") == [str(32 * 1024 * 1024), "25000"]
