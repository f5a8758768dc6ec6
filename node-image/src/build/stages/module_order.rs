//! Which kernel modules a program that knows no `modprobe` must load, and in which
//! order.

use std::collections::BTreeMap;

/// What the kernel's own lists say: `modules.dep` and `modules.builtin`.
pub(super) struct Modules {
    /// Paths by the module's name.
    paths: BTreeMap<String, String>,
    /// What each path needs, as it is listed.
    needs: BTreeMap<String, Vec<String>>,
    builtin: Vec<String>,
}

impl Modules {
    /// Reads the lists.
    pub(super) fn read(dep: &str, builtin: &str) -> Self {
        let mut modules = Self {
            paths: BTreeMap::new(),
            needs: BTreeMap::new(),
            builtin: builtin.lines().map(name).collect(),
        };
        for (path, needs) in dep.lines().filter_map(|line| line.split_once(':')) {
            modules.paths.insert(name(path), path.to_owned());
            let needs = needs.split_whitespace().map(str::to_owned).collect();
            modules.needs.insert(path.to_owned(), needs);
        }
        modules
    }

    /// The paths of `wanted` with what they need, each after what it needs; of those
    /// that are built in, none. Err: the name of one that the kernel has not.
    pub(super) fn order(&self, wanted: &[&str]) -> Result<Vec<String>, String> {
        let mut order = Vec::new();
        for module in wanted {
            let name = name(module);
            if self.builtin.contains(&name) {
                continue;
            }
            let path = self.paths.get(&name).ok_or(name)?;
            let needs = self.needs.get(path).map(Vec::as_slice).unwrap_or_default();
            // What is needed first is listed last.
            for path in needs.iter().rev().chain([path]) {
                if !order.contains(path) {
                    order.push(path.clone());
                }
            }
        }
        Ok(order)
    }
}

/// `dm_verity` of `kernel/drivers/md/dm-verity.ko`: the kernel knows no hyphens.
fn name(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.split(".ko").next().unwrap_or(file).replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEP: &str = "kernel/drivers/md/dm-verity.ko: kernel/drivers/md/dm-bufio.ko kernel/drivers/md/dm-mod.ko\n\
                       kernel/drivers/md/dm-bufio.ko: kernel/drivers/md/dm-mod.ko\n\
                       kernel/drivers/md/dm-mod.ko:\nkernel/fs/erofs/erofs.ko:\n";

    #[test]
    fn what_is_needed_is_loaded_first_and_once() {
        let modules = Modules::read(DEP, "kernel/fs/ext4/ext4.ko\n");
        let order = modules.order(&["dm_bufio", "dm-verity", "ext4", "erofs"]).unwrap();
        let names: Vec<_> = order.iter().map(|path| name(path)).collect();
        assert_eq!(names, ["dm_mod", "dm_bufio", "dm_verity", "erofs"]);
    }

    #[test]
    fn a_module_that_the_kernel_has_not_is_named() {
        assert_eq!(Modules::read(DEP, "").order(&["ext4"]), Err("ext4".to_owned()));
    }
}
