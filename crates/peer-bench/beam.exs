# The same work on the BEAM, to run beside the comparison: elixir beam.exs
defmodule Echo do
  use GenServer
  def init(s), do: {:ok, s}
  def handle_call(:ping, _f, s), do: {:reply, s, s}
  def handle_cast({:add, n}, s), do: {:noreply, s + n}
end
defmodule W do
  use GenServer
  def start_link(k), do: GenServer.start_link(__MODULE__, k, name: {:via, Registry, {R, k}})
  def init(k), do: {:ok, k}
  def handle_call(:ping,_,s), do: {:reply,:pong,s}
end
defmodule Named do
  use GenServer
  def start_link(_), do: GenServer.start_link(__MODULE__, 0, name: __MODULE__)
  def init(_), do: {:ok, self()}
  def handle_call(:who, _f, s), do: {:reply, s, s}
end
defmodule B do
  def t(name, n, fun) do
    :erlang.garbage_collect()
    rs = for _ <- 1..5 do {us, _} = :timer.tc(fun); us end
    report(name, n, rs)
  end
  def report(name, n, rs) do
    med = Enum.sort(rs) |> Enum.at(2)
    IO.puts("#{String.pad_trailing(name, 40)} #{Float.round(med * 1000 / n, 1)} ns/op")
  end
  def calls(_p, 0), do: :ok
  def calls(p, n) do GenServer.call(p, :ping); calls(p, n - 1) end
  def casts(_p, 0), do: :ok
  def casts(p, n) do GenServer.cast(p, {:add, 1}); casts(p, n - 1) end
  def starts(0, acc), do: acc
  def starts(n, acc) do {:ok, q} = GenServer.start(Echo, 0); starts(n - 1, [q | acc]) end
  def lookups(0), do: :ok
  def lookups(n) do Registry.lookup(R, "w"); lookups(n - 1) end
  def lookups_of(0), do: :ok
  def lookups_of(n) do Registry.lookup(RK, rem(n * 7919, 100_000)); lookups_of(n - 1) end
  def ets_l(_t, 0), do: :ok
  def ets_l(t, n) do :ets.lookup(t, rem(n * 7919, 100_000)); ets_l(t, n - 1) end
  def ets_i(_t, 0), do: :ok
  def ets_i(t, n) do :ets.insert(t, {rem(n * 7919, 100_000), n}); ets_i(t, n - 1) end
  def ets_c(_t, 0), do: :ok
  def ets_c(t, n) do :ets.update_counter(t, :c, 1); ets_c(t, n - 1) end
  def agents(_a, 0), do: :ok
  def agents(a, n) do Agent.get_and_update(a, fn c -> {c + 1, c + 1} end); agents(a, n - 1) end
  def tasks(0), do: :ok
  def tasks(n) do Task.await(Task.async(fn -> 1 end)); tasks(n - 1) end
  def dsup(_ds, 0), do: :ok
  def dsup(ds, n) do {:ok, _} = DynamicSupervisor.start_child(ds, %{id: Echo, start: {GenServer, :start_link, [Echo, 0]}, restart: :temporary}); dsup(ds, n - 1) end
  def dsup_stop(n) do
    {:ok, ds} = DynamicSupervisor.start_link(strategy: :one_for_one)
    dsup(ds, n)
    {us, :ok} = :timer.tc(fn -> DynamicSupervisor.stop(ds, :normal, :infinity) end)
    us
  end
  def await_new(pid) do case Registry.lookup(R, "w") do [{p2, _}] when p2 != pid -> p2; _ -> :erlang.yield(); await_new(pid) end end
  def kills(pid, 0), do: pid
  def kills(pid, n) do Process.exit(pid, :kill); kills(await_new(pid), n - 1) end
  def next(old) do
    case (try do GenServer.call(Named, :who) catch :exit, _ -> :erlang.yield(); old end) do ^old -> next(old); new -> new end
  end
  def crashes(pid, 0), do: pid
  def crashes(pid, n) do Process.exit(pid, :kill); crashes(next(pid), n - 1) end
  # Each restart goes through the list of those of the last seconds, so a supervisor gets a hundred kills and no more.
  def restarts(name, child, first, kill) do
    rs = for _ <- 1..5 do
      Enum.sum(for _ <- 1..50 do
        {:ok, sup} = Supervisor.start_link([child], strategy: :one_for_one, max_restarts: 100_000_000)
        pid = first.()
        {us, _} = :timer.tc(fn -> kill.(pid, 100) end)
        Supervisor.stop(sup)
        gone()
        us
      end)
    end
    report(name, 5_000, rs)
  end
  def few(n) do if :erlang.system_info(:process_count) > n do Process.sleep(10); few(n) end end
  def gone do case Registry.lookup(R, "w") do [] -> :ok; _ -> :erlang.yield(); gone() end end
  def specs(n), do: for i <- 1..n, do: %{id: i, start: {GenServer, :start_link, [Echo, 0]}}
  def start_and_stop(specs) do
    :erlang.garbage_collect()
    {start, {:ok, sup}} = :timer.tc(fn -> Supervisor.start_link(specs, strategy: :one_for_one) end)
    {stop, :ok} = :timer.tc(fn -> Supervisor.stop(sup, :normal, :infinity) end)
    {start, stop}
  end
  def one_more(specs, more) do
    {:ok, sup} = Supervisor.start_link(specs, strategy: :one_for_one)
    {us, :ok} = :timer.tc(fn -> Enum.each(more, fn spec -> {:ok, _} = Supervisor.start_child(sup, spec) end) end)
    :ok = Supervisor.stop(sup, :normal, :infinity)
    us
  end
  def sub(parent, n) do {:ok, _} = Registry.register(PS, "t", nil); send(parent, :ready); loop(n); send(parent, :done) end
  def loop(0), do: :ok
  def loop(n) do receive do {:m, _} -> loop(n - 1) end end
  def pubs(0), do: :ok
  def pubs(i) do Registry.dispatch(PS, "t", fn es -> for {pid, _} <- es, do: send(pid, {:m, i}) end); pubs(i - 1) end
  def run do
    {:ok, p} = GenServer.start_link(Echo, 0)
    n = 1_000_000
    t("call RTT 1 caller", n, fn -> calls(p, n) end)
    t("cast 1 producer + final call", n, fn -> casts(p, n); GenServer.call(p, :ping, :infinity) end)
    t("call 64 callers", n, fn -> 1..64 |> Enum.map(fn _ -> Task.async(fn -> calls(p, div(n, 64)) end) end) |> Task.await_many(:infinity) end)
    t("cast 4 producers + final", n, fn -> 1..4 |> Enum.map(fn _ -> Task.async(fn -> casts(p, div(n, 4)) end) end) |> Task.await_many(:infinity); GenServer.call(p, :ping, :infinity) end)
    m = 100_000
    t("start GenServer", m, fn -> ps = starts(m, []); for q <- ps, do: Process.exit(q, :kill) end)
    k = 50_000
    {:ok, ds} = DynamicSupervisor.start_link(strategy: :one_for_one)
    t("DynamicSupervisor start_child", k, fn -> dsup(ds, k) end)
    # Its own stop takes a time that grows with the square of its children, and there may be 262,144 processes in all.
    Process.unlink(ds)
    Process.exit(ds, :kill)
    few(1_000)
    report("DynamicSupervisor stop, 10000 children", 10_000, (for _ <- 1..5, do: dsup_stop(10_000)))
    Logger.configure(level: :emergency)
    {:ok, _} = Registry.start_link(keys: :unique, name: R)
    restarts("kill -> restarted & registered", {W, "w"}, fn -> await_new(nil) end, &kills/2)
    restarts("kill -> next one answers a call", Named, fn -> next(nil) end, &crashes/2)
    specs = specs(m)
    {starts, stops} = Enum.unzip(for _ <- 1..5, do: start_and_stop(specs))
    report("Supervisor start, 100000 children", m, starts)
    report("Supervisor stop, 100000 children", m, stops)
    {there, more} = Enum.split(specs(11_000), 10_000)
    report("Supervisor start_child, 10000 there", 1_000, (for _ <- 1..5, do: one_more(there, more)))
    {:ok, _} = W.start_link("w")
    t("Registry.lookup", n, fn -> lookups(n) end)
    {:ok, _} = Registry.start_link(keys: :unique, name: RK)
    for i <- 0..99_999, do: {:ok, _} = Registry.register(RK, i, nil)
    t("Registry.lookup, 100000 keys", n, fn -> lookups_of(n) end)
    t = :ets.new(:t, [:set, :public, read_concurrency: true, write_concurrency: true])
    for i <- 1..100_000, do: :ets.insert(t, {i, i}); :ets.insert(t, {:c, 0})
    t("ets lookup", n, fn -> ets_l(t, n) end)
    t("ets insert", n, fn -> ets_i(t, n) end)
    t("ets update_counter", n, fn -> ets_c(t, n) end)
    {:ok, a} = Agent.start_link(fn -> 0 end)
    t("Agent get_and_update", div(n, 2), fn -> agents(a, div(n, 2)) end)
    {:ok, _} = Registry.start_link(keys: :duplicate, name: PS)
    subs = 100; msgs = 10_000
    t("pubsub 100 subs (per delivery)", subs * msgs, fn -> parent = self()
      for _ <- 1..subs, do: spawn(fn -> sub(parent, msgs) end)
      for _ <- 1..subs, do: (receive do :ready -> :ok end)
      pubs(msgs)
      for _ <- 1..subs, do: (receive do :done -> :ok end) end)
    t("Task.async+await", 200_000, fn -> tasks(200_000) end)
    t("Task.async_stream 8 conc", 100_000, fn -> 1..100_000 |> Task.async_stream(fn x -> x end, max_concurrency: 8) |> Stream.run() end)
  end
end
B.run()
