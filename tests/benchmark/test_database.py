"""The database benchmark measures both sides on the same polygons."""

from tsmu.benchmark import benchmark_database


def test_it_gives_the_documented_keys() -> None:
    found = benchmark_database(2000)
    keys = {"insert_s", "query_ms", "insert_ratio_vs_pyogrio", "query_ratio_vs_pyogrio", "peak_rss_mb"}
    keys |= {"insert_cpu_s", "pyogrio_insert_cpu_s", "insert_cpu_ratio_vs_pyogrio"}
    assert keys <= found.keys()
    assert all(found[key] > 0 for key in keys)
    assert sum(found["run_cpu_s"]) == found["insert_cpu_s"]
    assert 700 < found["records_per_query"] < 1300
