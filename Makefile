# make help says what there is.
# Variables: SANITIZE=address,undefined | thread   NODES= PORT= (run)   SEEDS= SEED= (sim)   BENCH= (bench)

CC       ?= gcc
comma    := ,
BUILD    := build/$(if $(SANITIZE),sanitize-$(subst $(comma),-,$(SANITIZE)),release)
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
CFLAGS   := -std=c11 -D_GNU_SOURCE -O2 -g -fno-omit-frame-pointer -ffp-contract=off -pthread -Isrc -Itests $(WARNINGS) \
            $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all)
LDFLAGS  := -pthread $(if $(SANITIZE),-fsanitize=$(SANITIZE))
LUA      := $(BUILD)/liblua.a
# Lua calls parts of the library (src/script/inside.h), which calls Lua.
PURELIBS := -Wl,--start-group $(BUILD)/libshardforge.a $(LUA) -Wl,--end-group -lcrypto -lisal -llzf -lm
LDLIBS   := -lleveldb -lev -lhiredis -lstdc++ $(PURELIBS) $(if $(SANITIZE),,-ljemalloc)

SOURCES  := $(filter-out src/server/main.c src/check/main.c,$(wildcard src/*/*.c))
OBJECTS  := $(SOURCES:%.c=$(BUILD)/%.o)
LIBRARY  := $(BUILD)/libshardforge.a
SERVER   := $(BUILD)/shardforge-server
CHECK    := $(BUILD)/shardforge-check

UNIT_SOURCES := $(wildcard tests/unit/*/test_*.c)
UNIT_TESTS   := $(UNIT_SOURCES:%.c=$(BUILD)/%)
# The simulator counts SF_MARKs (util/mark.h) in these; the rest of the source is the library's.
MARKED       := $(wildcard src/raft/*.c src/node/*.c src/engine/*.c src/storage/twin*.c)
SIM_OBJECTS  := $(patsubst %.c,$(BUILD)/marked/%.o,$(wildcard tests/sim/*.c) $(MARKED))
SIM          := $(BUILD)/tests/sim/simulator
FUZZERS      := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
STORAGE_FAULTS := $(BUILD)/tests/integration/shim.so $(BUILD)/tests/integration/storage_driver
DUMP_DRIVER  := $(BUILD)/tests/integration/dump_driver
# The server with a hook that damages its memory: one file is compiled anew, the rest is the library's.
HOOKED       := $(BUILD)/hooks/shardforge-server
TOOLS        := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/*.c))

.DEFAULT_GOAL := all
.PHONY: all help deps run test lint format unit sim mutants integration storage-faults storage-flips byte-flips redis-tests fuzz ecosystem bench clean
.DELETE_ON_ERROR:
.SECONDARY:

all: $(SERVER) $(CHECK) build/shardforge-server build/shardforge-check ## build build/shardforge-server and build/shardforge-check

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

deps: ## install the Debian packages that are missing
	@deps/install.sh

run: ## three local nodes, ready for redis-cli (NODES=3 PORT=6379, data in ./data)
	@deps/install.sh && $(MAKE) --no-print-directory -j2 all && conf/run-local $(SERVER) $(or $(NODES),3) $(or $(PORT),6379)

test: ## everything that must hold, in under 20 minutes
	@deps/install.sh && tests/run-all "$(MAKE)" "$(SANITIZE)"

lint: ## the borders in src/DEPS, lengths, banned calls; whether every mutant fits
	@/usr/bin/python3 tests/lint/lint.py
	@tests/mutants/run --check

format: ## clang-format over the tree (needs the package clang-format)
	clang-format -i $(wildcard src/*/*.[ch] tests/*/*.[ch] tests/unit/*/*.[ch])

unit: $(UNIT_TESTS) ## unit tests (cmocka), mirroring src
	@tests/unit/run $(UNIT_TESTS)

sim: $(SIM) ## whole nodes under a virtual clock, network and disk (SEEDS=100 FIRST=1, SEED=n replays one)
	@$(SIM) $(if $(SEED),--seed $(SEED),$(if $(LIST),--list $(LIST),--seeds $(or $(SEEDS),100))) $(if $(FIRST),--first $(FIRST))

mutants: $(SIM) ## builds broken on purpose: each must be caught by the simulator (ONLY=name)
	@tests/mutants/run $(BUILD) "$(CC) $(CFLAGS) -DSF_SIMULATOR" "$(LDFLAGS)" "$(LDLIBS)" $(ONLY)

integration: all $(TOOLS) $(STORAGE_FAULTS) $(DUMP_DRIVER) $(HOOKED) ## real processes, real kills (ONLY=name for one)
	@tests/integration/run $(SERVER) $(BUILD) $(ONLY)

redis-tests: all ## the same commands to a real redis-server and to ShardForge
	@redis-tests/run --server $(SERVER) $(if $(ONLY),--only $(ONLY))

storage-faults: $(STORAGE_FAULTS) ## the storage under failing, torn and fatal calls (FAULTS=--all)
	@tests/integration/storage_faults.py $(BUILD) $(FAULTS)

storage-flips: $(STORAGE_FAULTS) ## the storage with one bit turned in one file (FLIPS=600 SEED=n)
	@tests/integration/storage_flips.py $(BUILD) --flips $(or $(FLIPS),600) $(if $(SEED),--seed $(SEED))

byte-flips: all ## one bit turned in a stopped node's files, in a cluster (FLIPS=200 SEED=n)
	@tests/integration/byte_flips.py $(SERVER) --flips $(or $(FLIPS),200) $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY))

fuzz: $(FUZZERS) ## random bytes into every decoder (RUNS=200000)
	@for fuzzer in $(FUZZERS); do $$fuzzer $(or $(RUNS),200000) || exit 1; done

ecosystem: all ## real frameworks of the npm registry and Debian at a follower (ONLY=name)
	@tests/ecosystem/run $(SERVER) $(BUILD) $(ONLY)

bench: all $(TOOLS) ## ratios beside a redis-server in the same run (BENCH=throughput|failover|rolling|catch-up|memory|commands|blocked|snapshot|walks|restart)
	@tests/bench/run $(SERVER) $(BUILD) $(BENCH)

clean: ## remove build/
	rm -rf build

build/shardforge-server: $(SERVER)
	@ln -sf $(patsubst build/%,%,$(SERVER)) $@

build/shardforge-check: $(CHECK)
	@ln -sf $(patsubst build/%,%,$(CHECK)) $@

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(if $(V),,@)$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/marked/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(if $(V),,@)$(CC) $(CFLAGS) -DSF_SIMULATOR -MMD -MP -c $< -o $@

$(LIBRARY): $(OBJECTS)
	@rm -f $@
	@$(AR) qcs $@ $^

# Loops of Lua that a script can make long are ours, which count (src/script/README.md): its tables and
# the interning of strings whole, elsewhere the calls are redirected.
LUA_EVERYWHERE := memcmp=arena_memcmp strcoll=arena_strcoll strtod=arena_strtod strtoul=arena_strtoul
LUA_IN_VM      := memcpy=arena_memcpy luaD_precall=arena_precall luaD_poscall=arena_poscall luaF_findupval=arena_findupval
$(LUA): Makefile
	@rm -rf $@.parts && mkdir -p $@.parts
	@cd $@.parts && $(AR) x $$($(CC) -print-file-name=liblua5.1.a) && rm ltable.o
	@cd $@.parts && for part in *.o; do objcopy $(LUA_EVERYWHERE:%=--redefine-sym %) $$part || exit 1; done
	@cd $@.parts && objcopy $(LUA_IN_VM:%=--redefine-sym %) lvm.o
	@cd $@.parts && objcopy --redefine-sym luaX_next=arena_next_token lparser.o
	@cd $@.parts && objcopy --redefine-sym luaS_newlstr=lua_own_newlstr lstring.o
	@rm -f $@ && $(AR) qcs $@ $@.parts/*.o

$(SERVER): $(BUILD)/src/server/main.o $(LIBRARY) | $(LUA)
	$(if $(V),,@)$(CC) $(LDFLAGS) $^ $(LDLIBS) -o $@

$(CHECK): $(BUILD)/src/check/main.o $(LIBRARY) | $(LUA)
	$(if $(V),,@)$(CC) $(LDFLAGS) $^ $(LDLIBS) -o $@

$(BUILD)/hooks/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(if $(V),,@)$(CC) $(CFLAGS) -DSF_TEST_HOOKS -MMD -MP -c $< -o $@

$(HOOKED): $(BUILD)/src/server/main.o $(BUILD)/hooks/src/node/cmd_debug.o $(LIBRARY) | $(LUA)
	$(if $(V),,@)$(CC) $(LDFLAGS) $^ $(LDLIBS) -o $@

$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(LIBRARY) | $(LUA)
	$(if $(V),,@)$(CC) $(LDFLAGS) $^ -lcmocka $(LDLIBS) -o $@

$(SIM): $(SIM_OBJECTS) $(LIBRARY) | $(LUA)
	@mkdir -p $(@D)
	$(if $(V),,@)$(CC) $(LDFLAGS) $^ $(LDLIBS) -o $@

$(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(LIBRARY) | $(LUA)
	$(if $(V),,@)$(CC) $(LDFLAGS) $^ $(LDLIBS) -o $@

$(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o $(LIBRARY) | $(LUA)
	$(if $(V),,@)$(CC) $(LDFLAGS) $^ $(LDLIBS) -o $@

$(BUILD)/tests/integration/%_driver: $(BUILD)/tests/integration/%_driver.o $(LIBRARY) | $(LUA)
	$(if $(V),,@)$(CC) $(LDFLAGS) $^ $(LDLIBS) -o $@

# Preloaded into other programs: never with a sanitizer of its own.
$(BUILD)/tests/integration/shim.so: tests/integration/shim/shim.c Makefile
	@mkdir -p $(@D)
	$(CC) $(filter-out -fsanitize=% -fno-sanitize-recover=all,$(CFLAGS)) -shared -fPIC $< -o $@ -ldl

-include $(wildcard $(BUILD)/src/*/*.d $(BUILD)/tests/*/*.d $(BUILD)/tests/unit/*/*.d $(BUILD)/marked/*/*/*.d $(BUILD)/hooks/*/*/*.d)
