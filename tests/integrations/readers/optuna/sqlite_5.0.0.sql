BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('v3.2.0.a');
CREATE TABLE studies (
	study_id INTEGER NOT NULL, 
	study_name VARCHAR(512) NOT NULL, 
	PRIMARY KEY (study_id)
);
INSERT INTO "studies" VALUES(1,'mixed');
INSERT INTO "studies" VALUES(2,'pair');
CREATE TABLE study_directions (
	study_direction_id INTEGER NOT NULL, 
	direction VARCHAR(8) NOT NULL, 
	study_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	PRIMARY KEY (study_direction_id), 
	UNIQUE (study_id, objective), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_directions" VALUES(1,'MAXIMIZE',1,0);
INSERT INTO "study_directions" VALUES(2,'MINIMIZE',2,0);
INSERT INTO "study_directions" VALUES(3,'MAXIMIZE',2,1);
CREATE TABLE study_system_attributes (
	study_system_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_system_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_system_attributes" VALUES(1,2,'study:metric_names','["loss", "accuracy"]');
CREATE TABLE study_user_attributes (
	study_user_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_user_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_user_attributes" VALUES(1,1,'author','"somebody"');
CREATE TABLE trial_heartbeats (
	trial_heartbeat_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	heartbeat DATETIME NOT NULL, 
	PRIMARY KEY (trial_heartbeat_id), 
	UNIQUE (trial_id), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_intermediate_values (
	trial_intermediate_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	intermediate_value FLOAT, 
	intermediate_value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_intermediate_value_id), 
	UNIQUE (trial_id, step), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_intermediate_values" VALUES(1,1,0,-2.33191198118970399733e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(2,1,1,-2.83191198118970399733e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(3,1,2,-2.99857864785637051596e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(4,1,3,-3.08191198118970399733e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(5,2,0,-2.89044962720829534674e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(6,2,1,-3.39044962720829534674e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(7,2,2,-3.55711629387496230947e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(8,2,3,-3.64044962720829534674e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(9,3,0,-1.32067832174172394843e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(10,3,1,-1.82067832174172394843e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(11,3,2,-1.98734498840839046707e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(12,3,3,-2.07067832174172394843e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(13,4,0,1.21775968257620714751e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(14,4,1,-3.78224031742379285248e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(15,4,2,-5.44890698409045803884e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(16,4,3,-6.28224031742379285248e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(17,5,0,2.29647042196805228897e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(18,5,1,1.79647042196805228897e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(19,5,2,1.62980375530138577033e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(20,5,3,1.54647042196805228897e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(21,6,0,3.34622016200797212093e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(22,6,1,2.84622016200797212093e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(23,6,2,2.67955349534130560229e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(24,6,3,2.59622016200797212093e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(25,7,0,3.39559336791137056366e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(26,7,1,2.89559336791137056366e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(27,7,2,2.72892670124470404502e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(28,7,3,2.64559336791137056366e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(29,8,0,6.61351808224901560606e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(30,8,1,6.11351808224901560606e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(31,8,2,5.94685141558234864334e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(32,8,3,5.86351808224901560606e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(33,9,0,7.98929140180592245457e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(34,9,1,7.48929140180592245457e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(35,9,2,7.32262473513925549184e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(36,9,3,7.23929140180592245457e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(37,10,0,5.113225952083177539e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(38,10,1,4.613225952083177539e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(39,10,2,4.44655928541651057628e+00,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(40,10,3,NULL,'NAN');
CREATE TABLE trial_params (
	param_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	param_name VARCHAR(512), 
	param_value FLOAT, 
	distribution_json TEXT, 
	PRIMARY KEY (param_id), 
	UNIQUE (trial_id, param_name), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_params" VALUES(1,1,'lr',4.65680463791956554368e-04,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(2,1,'kind',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["sgd", "adam", null]}}');
INSERT INTO "trial_params" VALUES(3,1,'width',3.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [32, 64, 128, 256]}}');
INSERT INTO "trial_params" VALUES(4,1,'flag',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(5,1,'layers',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 5}}');
INSERT INTO "trial_params" VALUES(6,1,'units',14.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(7,1,'dropout',0.1,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(8,1,'momentum',0.869336262027036,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.99, "log": false}}');
INSERT INTO "trial_params" VALUES(9,2,'lr',1.28691651078150220022e-05,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(10,2,'kind',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["sgd", "adam", null]}}');
INSERT INTO "trial_params" VALUES(11,2,'width',3.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [32, 64, 128, 256]}}');
INSERT INTO "trial_params" VALUES(12,2,'flag',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(13,2,'layers',5.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 5}}');
INSERT INTO "trial_params" VALUES(14,2,'units',39.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(15,2,'dropout',0.0,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(16,2,'momentum',3.86642354005535399119e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.99, "log": false}}');
INSERT INTO "trial_params" VALUES(17,3,'lr',4.77883106585769851237e-05,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(18,3,'kind',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["sgd", "adam", null]}}');
INSERT INTO "trial_params" VALUES(19,3,'width',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [32, 64, 128, 256]}}');
INSERT INTO "trial_params" VALUES(20,3,'flag',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(21,3,'layers',1.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 5}}');
INSERT INTO "trial_params" VALUES(22,3,'units',19.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(23,3,'dropout',0.5,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(24,3,'momentum',0.740683997836041,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.99, "log": false}}');
INSERT INTO "trial_params" VALUES(25,4,'lr',1.32365854694154870974e-04,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(26,4,'kind',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["sgd", "adam", null]}}');
INSERT INTO "trial_params" VALUES(27,4,'width',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [32, 64, 128, 256]}}');
INSERT INTO "trial_params" VALUES(28,4,'flag',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(29,4,'layers',2.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 5}}');
INSERT INTO "trial_params" VALUES(30,4,'units',2.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(31,4,'dropout',0.2,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(32,4,'momentum',5.28289196659095794395e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.99, "log": false}}');
INSERT INTO "trial_params" VALUES(33,5,'lr',1.97911222735790886043e-03,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(34,5,'kind',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["sgd", "adam", null]}}');
INSERT INTO "trial_params" VALUES(35,5,'width',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [32, 64, 128, 256]}}');
INSERT INTO "trial_params" VALUES(36,5,'flag',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(37,5,'layers',4.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 5}}');
INSERT INTO "trial_params" VALUES(38,5,'units',6.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(39,5,'dropout',0.5,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(40,6,'lr',2.21932120126723314221e-03,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(41,6,'kind',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["sgd", "adam", null]}}');
INSERT INTO "trial_params" VALUES(42,6,'width',3.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [32, 64, 128, 256]}}');
INSERT INTO "trial_params" VALUES(43,6,'flag',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(44,6,'layers',4.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 5}}');
INSERT INTO "trial_params" VALUES(45,6,'units',37.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(46,6,'dropout',3.00000000000000044408e-01,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(47,6,'momentum',7.43433009687063828252e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.99, "log": false}}');
INSERT INTO "trial_params" VALUES(48,7,'lr',2.48652807937597118432e-04,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(49,7,'kind',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["sgd", "adam", null]}}');
INSERT INTO "trial_params" VALUES(50,7,'width',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [32, 64, 128, 256]}}');
INSERT INTO "trial_params" VALUES(51,7,'flag',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(52,7,'layers',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 5}}');
INSERT INTO "trial_params" VALUES(53,7,'units',4.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(54,7,'dropout',0.1,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(55,8,'lr',0.0410693739129295,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(56,8,'kind',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["sgd", "adam", null]}}');
INSERT INTO "trial_params" VALUES(57,8,'width',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [32, 64, 128, 256]}}');
INSERT INTO "trial_params" VALUES(58,8,'flag',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(59,8,'layers',1.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 5}}');
INSERT INTO "trial_params" VALUES(60,8,'units',46.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(61,8,'dropout',0.4,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(62,9,'lr',9.75644053307059416768e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(63,9,'kind',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["sgd", "adam", null]}}');
INSERT INTO "trial_params" VALUES(64,9,'width',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [32, 64, 128, 256]}}');
INSERT INTO "trial_params" VALUES(65,9,'flag',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(66,9,'layers',1.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 5}}');
INSERT INTO "trial_params" VALUES(67,9,'units',1.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(68,9,'dropout',0.0,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(69,10,'lr',1.29785433509415849471e-05,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(70,10,'kind',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["sgd", "adam", null]}}');
INSERT INTO "trial_params" VALUES(71,10,'width',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [32, 64, 128, 256]}}');
INSERT INTO "trial_params" VALUES(72,10,'flag',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [true, false]}}');
INSERT INTO "trial_params" VALUES(73,10,'layers',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 5}}');
INSERT INTO "trial_params" VALUES(74,10,'units',1.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(75,10,'dropout',0.4,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(76,11,'lr',0.001,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-06, "high": 0.1, "log": true}}');
INSERT INTO "trial_params" VALUES(77,13,'x',4.35994902142003759593e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(78,13,'y',2.59262318278913328484e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(79,14,'x',5.49662477878709143652e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(80,14,'y',4.35322392618276876596e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(81,15,'x',4.2036780208748902865e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(82,15,'y',3.30334821003874123945e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(83,16,'x',2.04648634037842502841e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(84,16,'y',6.19270966350663698563e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
CREATE TABLE trial_system_attributes (
	trial_system_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_system_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_system_attributes" VALUES(1,11,'fixed_params','{"lr": 0.001}');
INSERT INTO "trial_system_attributes" VALUES(2,12,'fixed_params','{"lr": 0.01}');
INSERT INTO "trial_system_attributes" VALUES(3,13,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(4,13,'constraints','[-0.06400509785799624]');
INSERT INTO "trial_system_attributes" VALUES(5,14,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(6,14,'constraints','[0.049662477878709144]');
INSERT INTO "trial_system_attributes" VALUES(7,15,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(8,15,'constraints','[-0.07963219791251097]');
INSERT INTO "trial_system_attributes" VALUES(9,16,'NSGAIISampler:generation','0');
INSERT INTO "trial_system_attributes" VALUES(10,16,'constraints','[-0.2953513659621575]');
CREATE TABLE trial_user_attributes (
	trial_user_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_user_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_user_attributes" VALUES(1,1,'note','{"seed": 0, "tags": ["a", "b"]}');
INSERT INTO "trial_user_attributes" VALUES(2,2,'note','{"seed": 1, "tags": ["a", "b"]}');
INSERT INTO "trial_user_attributes" VALUES(3,3,'note','{"seed": 2, "tags": ["a", "b"]}');
INSERT INTO "trial_user_attributes" VALUES(4,4,'note','{"seed": 3, "tags": ["a", "b"]}');
INSERT INTO "trial_user_attributes" VALUES(5,5,'note','{"seed": 4, "tags": ["a", "b"]}');
INSERT INTO "trial_user_attributes" VALUES(6,6,'note','{"seed": 5, "tags": ["a", "b"]}');
INSERT INTO "trial_user_attributes" VALUES(7,7,'note','{"seed": 6, "tags": ["a", "b"]}');
INSERT INTO "trial_user_attributes" VALUES(8,8,'note','{"seed": 7, "tags": ["a", "b"]}');
INSERT INTO "trial_user_attributes" VALUES(9,9,'note','{"seed": 8, "tags": ["a", "b"]}');
INSERT INTO "trial_user_attributes" VALUES(10,10,'note','{"seed": 9, "tags": ["a", "b"]}');
CREATE TABLE trial_values (
	trial_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	value FLOAT, 
	value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_value_id), 
	UNIQUE (trial_id, objective), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_values" VALUES(1,1,0,-3.33191198118970399733e+00,'FINITE');
INSERT INTO "trial_values" VALUES(2,2,0,-3.89044962720829534674e+00,'FINITE');
INSERT INTO "trial_values" VALUES(3,3,0,-2.32067832174172394843e+00,'FINITE');
INSERT INTO "trial_values" VALUES(4,4,0,NULL,'INF_POS');
INSERT INTO "trial_values" VALUES(5,5,0,1.29647042196805228897e+00,'FINITE');
INSERT INTO "trial_values" VALUES(6,6,0,2.34622016200797212093e+00,'FINITE');
INSERT INTO "trial_values" VALUES(7,7,0,2.64559336791137056366e+00,'FINITE');
INSERT INTO "trial_values" VALUES(8,13,0,4.35994902142003759593e-01,'FINITE');
INSERT INTO "trial_values" VALUES(9,13,1,2.59262318278913328484e-02,'FINITE');
INSERT INTO "trial_values" VALUES(10,14,0,5.49662477878709143652e-01,'FINITE');
INSERT INTO "trial_values" VALUES(11,14,1,4.35322392618276876596e-01,'FINITE');
INSERT INTO "trial_values" VALUES(12,15,0,4.2036780208748902865e-01,'FINITE');
INSERT INTO "trial_values" VALUES(13,15,1,3.30334821003874123945e-01,'FINITE');
INSERT INTO "trial_values" VALUES(14,16,0,2.04648634037842502841e-01,'FINITE');
INSERT INTO "trial_values" VALUES(15,16,1,6.19270966350663698563e-01,'FINITE');
CREATE TABLE trials (
	trial_id INTEGER NOT NULL, 
	number INTEGER, 
	study_id INTEGER, 
	state VARCHAR(8) NOT NULL, 
	datetime_start DATETIME, 
	datetime_complete DATETIME, 
	PRIMARY KEY (trial_id), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "trials" VALUES(1,0,1,'COMPLETE','2026-11-25 16:20:49.503125','2026-11-25 16:20:49.787196');
INSERT INTO "trials" VALUES(2,1,1,'COMPLETE','2026-11-25 16:20:49.813346','2026-11-25 16:20:50.093947');
INSERT INTO "trials" VALUES(3,2,1,'COMPLETE','2026-11-25 16:20:50.119863','2026-11-25 16:20:50.397975');
INSERT INTO "trials" VALUES(4,3,1,'COMPLETE','2026-11-25 16:20:50.423120','2026-11-25 16:20:50.689912');
INSERT INTO "trials" VALUES(5,4,1,'COMPLETE','2026-11-25 16:20:50.712395','2026-11-25 16:20:50.966023');
INSERT INTO "trials" VALUES(6,5,1,'COMPLETE','2026-11-25 16:20:50.986620','2026-11-25 16:20:51.265738');
INSERT INTO "trials" VALUES(7,6,1,'PRUNED','2026-11-25 16:20:51.282580','2026-11-25 16:20:51.549729');
INSERT INTO "trials" VALUES(8,7,1,'FAIL','2026-11-25 16:20:51.574564','2026-11-25 16:20:51.690272');
INSERT INTO "trials" VALUES(9,8,1,'FAIL','2026-11-25 16:20:51.694942','2026-11-25 16:20:51.925374');
INSERT INTO "trials" VALUES(10,9,1,'FAIL','2026-11-25 16:20:51.950445','2026-11-25 16:20:52.197408');
INSERT INTO "trials" VALUES(11,10,1,'RUNNING','2026-11-25 16:20:52.251399',NULL);
INSERT INTO "trials" VALUES(12,11,1,'WAITING',NULL,NULL);
INSERT INTO "trials" VALUES(13,0,2,'COMPLETE','2026-11-25 16:20:52.385686','2026-11-25 16:20:52.497654');
INSERT INTO "trials" VALUES(14,1,2,'COMPLETE','2026-11-25 16:20:52.522843','2026-11-25 16:20:52.624876');
INSERT INTO "trials" VALUES(15,2,2,'COMPLETE','2026-11-25 16:20:52.646777','2026-11-25 16:20:52.740869');
INSERT INTO "trials" VALUES(16,3,2,'COMPLETE','2026-11-25 16:20:52.767117','2026-11-25 16:20:52.873322');
CREATE TABLE version_info (
	version_info_id INTEGER NOT NULL, 
	schema_version INTEGER, 
	library_version VARCHAR(256), 
	PRIMARY KEY (version_info_id), 
	CHECK (version_info_id=1)
);
INSERT INTO "version_info" VALUES(1,12,'5.0.0');
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE INDEX ix_trials_study_id ON trials (study_id);
COMMIT;
