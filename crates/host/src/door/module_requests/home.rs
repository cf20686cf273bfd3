//! Changes of the home's modules: install, approve, update, uninstall. Folders are copied on a thread of its own; what
//! is approved is bound to the files as they are at that moment.

use super::*;

/// Looks at a folder and brings it into the home. It never approves by itself.
pub(super) async fn install(caller: &Caller, dir: &str, symlink: bool) -> Done {
    let way = if symlink { Way::Link } else { Way::Copy };
    let (dir, modules) = (PathBuf::from(dir), caller.shell.borrow().files.home.modules());
    let module = on_a_thread(move || install::install(&dir, &modules, way)).await?;
    let record = Record::new("module.installed").of(&module.manifest.id, None);
    caller.shell.borrow_mut().record(record.text("version", module.spec.version.as_str()));
    rediscover(caller).await?;
    installed(caller, &module)
}

/// What an installation would bring: nothing runs before its approval.
pub(super) async fn plan_install(caller: &Caller, dir: &str) -> Done {
    let (dir, modules) = (PathBuf::from(dir), caller.shell.borrow().files.home.modules());
    let module = on_a_thread(move || install::inspect_new(&dir, &modules)).await?;
    let id = &module.manifest.id;
    let asks = format!("would ask for: {}", module.manifest.permissions);
    let step =
        PlannedStep { module_id: Some(id.to_string()), code: "module.installed".to_owned(), text: asks };
    reply::data(&protocol::operator::Plan { steps: vec![step] })
}

fn installed(caller: &Caller, module: &ModuleFolder) -> Done {
    let mut shell = caller.shell.borrow_mut();
    let id = module.manifest.id.clone();
    let hashes = shell.hashes_of(module)?;
    let approved = shell.kernel.grants(&id).is_some_and(|grants| grants.base.is_some());
    reply::data(&Installed {
        module_id: id.to_string(),
        manifest_hash: hashes.manifest,
        approved,
        asks: permissions_json(&module.manifest.permissions),
    })
}

/// Approves what the manifest asks for, bound to the files as they are, and starts the module.
pub(super) async fn approve(caller: &Caller, text: &str, dry_run: bool) -> Done {
    let id = module_id(text)?;
    let module = installed_module(caller, &id).await?;
    let declared = module.manifest.permissions.clone();
    if dry_run {
        return plan_approval(&id, &declared);
    }
    {
        let mut shell = caller.shell.borrow_mut();
        let hashes = shell.hashes_of(&module)?;
        let record = Record::new("permission.approving").of(&id, None);
        shell.record(
            record.text("permissions", declared.to_string()).text("manifest_hash", hashes.manifest.as_str()),
        );
        shell.files.approvals.approve(&id, &declared, &hashes, wall_now());
        shell.is_unsaved = true;
    }
    save_now(&caller.shell).await.map_err(|why| Refusal::new("host::permissions::not_saved", why))?;
    rediscover(caller).await?;
    let ordered = plain_answer(caller.order(Order::Start(id.clone())).await?)?;
    acted(caller, &id, ordered)
}

fn plan_approval(id: &ModuleId, declared: &Permissions) -> Done {
    let step = |code: &str, text: String| PlannedStep {
        module_id: Some(id.to_string()),
        code: code.to_owned(),
        text,
    };
    let steps = vec![
        step("permission.approving", format!("{id} may touch: {declared}")),
        step("module.starting", format!("{id} is started")),
    ];
    reply::data(&protocol::operator::Plan { steps })
}

/// Stops a module, forgets its approval, removes its folder.
pub(super) async fn uninstall(caller: &Caller, text: &str, dry_run: bool) -> Done {
    let id = module_id(text)?;
    check_origin(caller, &id)?;
    if dry_run {
        let mut shell = caller.shell.borrow_mut();
        let project = shell.files.project.clone();
        let mut finding = shell.search(project.as_ref());
        finding.modules.remove(&id);
        return reply::data(&shell.plan_of(Event::Discovered(finding.discovered())));
    }
    caller.shell.borrow_mut().record(Record::new("module.uninstalling").of(&id, None));
    // Its process goes first: nothing may run out of a folder that is being removed.
    plain_answer(caller.order(Order::Stop(id.clone())).await?)?;
    forget_versions(caller, &id).await?;
    let (modules, gone) = (caller.shell.borrow().files.home.modules(), id.clone());
    let place = modules.join(id.as_str());
    on_a_thread(move || install::remove(&gone, &modules)).await?;
    {
        let mut shell = caller.shell.borrow_mut();
        shell.files.hashes.forget(&place);
        shell.files.approvals.forget(&id);
        shell.is_unsaved = true;
    }
    save_now(&caller.shell).await.map_err(|why| Refusal::new("host::permissions::not_saved", why))?;
    rediscover(caller).await?;
    Ok(Some(json!({ "moduleId": id.as_str() })))
}

/// Replaces a module's folder. An approval goes on to hold if the new manifest asks for nothing beyond it.
pub(super) async fn update(caller: &Caller, text: &str, dir: &str, dry_run: bool) -> Done {
    let id = module_id(text)?;
    check_origin(caller, &id)?;
    let (dir, modules) = (PathBuf::from(dir), caller.shell.borrow().files.home.modules());
    if dry_run {
        let looked = on_a_thread(move || install::inspect(&dir)).await?;
        return plan_update(caller, &id, &looked);
    }
    let wanted = id.clone();
    let module = on_a_thread(move || install::update(&wanted, &dir, &modules)).await?;
    forget_versions(caller, &id).await?;
    {
        let mut shell = caller.shell.borrow_mut();
        let record =
            Record::new("module.updated").of(&id, None).text("version", module.spec.version.as_str());
        shell.record(record);
        let approved = shell.files.approvals.grants(&id).base;
        let hashes = shell.hashes_of(&module)?;
        if approved.is_some_and(|base| module.manifest.permissions.is_subset(&base)) {
            shell.files.approvals.bind(&id, &hashes);
        }
        shell.is_unsaved = true;
    }
    save_now(&caller.shell).await.map_err(|why| Refusal::new("host::permissions::not_saved", why))?;
    rediscover(caller).await?;
    installed(caller, &module)
}

async fn forget_versions(caller: &Caller, id: &ModuleId) -> Result<(), Refusal> {
    let home = caller.shell.borrow().files.home.clone();
    crate::updating::forget(&home, id.clone()).await.map_err(|error| Refusal::of(&error))
}

fn plan_update(caller: &Caller, id: &ModuleId, module: &ModuleFolder) -> Done {
    let shell = caller.shell.borrow();
    let base = shell.files.approvals.grants(id).base.unwrap_or_default();
    let beyond = module.manifest.permissions.minus(&base);
    let step = |code: &str, text: String| PlannedStep {
        module_id: Some(id.to_string()),
        code: code.to_owned(),
        text,
    };
    let mut steps = vec![step("module.updated", format!("{id} becomes version {}", module.spec.version))];
    if beyond.is_empty() {
        steps.push(step("module.changed", format!("{id} gets a new life")));
    } else {
        steps.push(step("module.refused", format!("{id} has to be approved anew, it asks for: {beyond}")));
    }
    reply::data(&protocol::operator::Plan { steps })
}

/// Modules of a project or of a command are not the home's to change.
fn check_origin(caller: &Caller, id: &ModuleId) -> Result<(), Refusal> {
    let shell = caller.shell.borrow();
    match shell.files.blueprints.get(id).map(|blueprint| blueprint.origin) {
        Some(Origin::Home) => Ok(()),
        Some(Origin::Project) => {
            let why = format!("`{id}` belongs to the project file");
            Err(Refusal::new("host::install::of_project", why)
                .help("change ostoja.yaml, then: ostoja reload"))
        }
        Some(Origin::Hand) => {
            let why = format!("`{id}` was added by `ostoja run`");
            Err(Refusal::new("host::install::by_hand", why).help(format!("ostoja stop {id}")))
        }
        None => Err(Refusal::no_module(id.as_str())),
    }
}

async fn installed_module(caller: &Caller, id: &ModuleId) -> Result<ModuleFolder, Refusal> {
    check_origin(caller, id)?;
    let folder = {
        let shell = caller.shell.borrow();
        let known = shell.files.blueprints.get(id).and_then(|blueprint| blueprint.folder.clone());
        // Below `modules` under whatever name; the link itself, so that a linked folder is known as one.
        let named = shell.files.home.modules().join(id.as_str());
        if named.exists() { named } else { known.unwrap_or(named) }
    };
    on_a_thread(move || install::inspect(&folder)).await
}

impl Shell {
    /// The hashes of a module's files now.
    fn hashes_of(&mut self, module: &ModuleFolder) -> Result<Hashes, Refusal> {
        let refused = |why: String| Refusal::new("host::install::unusable", why);
        let Some(seal) = &module.blueprint.seal else {
            return Err(refused("it is no module of the home".to_owned()));
        };
        let effective = self.files.approvals.grants(&module.manifest.id).effective();
        let mut wanted = effective;
        wanted.extend(&module.manifest.permissions);
        let writable = writable(&wanted, seal, &self.surrounding.user_home());
        let looked = self.files.hashes.look(seal, &writable);
        looked.map_err(|error| refused(format!("its files can't be read: {error}")))
    }
}

async fn on_a_thread<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, InstallError> + Send + 'static,
) -> Result<T, Refusal> {
    match tokio::task::spawn_blocking(act).await {
        Ok(done) => done.map_err(|error| Refusal::of(&error)),
        Err(_) => Err(Refusal::new("host::install::io", "the thread that copies has died")),
    }
}

async fn rediscover(caller: &Caller) -> Result<(), Refusal> {
    let refused = |why: String| Refusal::new("host::reload::refused", why);
    crate::reload::modules(&caller.shell).await.map_err(refused)
}
